"""The operator views of a worker: health, metrics, a person's live state. Faust's own pages are off."""

import asyncio
import json
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from support.worker import WorkerProcess

from models.wire.keys import wrap
from streams.kafka import started_producer
from streams.partition import partition_of
from streams.topics import REGISTRY, SMS, declare

PARTITIONS = 2
PROFILE = {"subject": 7, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-01-01T00:00:00Z",
           "devices": [{"slot": 0, "epoch": 1, "kek": "k1", "key": b64encode(
               wrap(bytes(32), bytes(12), bytes(16), 7, 0, 1)).decode()}]}


@pytest.mark.timeout(120)
async def test_the_operator_views_show_health_metrics_and_people(tmp_path: Path) -> None:
    keks = tmp_path / "kek.json"
    keks.write_text(json.dumps({"k1": b64encode(bytes(32)).decode()}))
    with WorkerProcess(tmp_path / "worker", ANBU_PARTITIONS=str(PARTITIONS), ANBU_KEK_FILE=str(keks),
                       ANBU_WORKER_TOKEN="open sesame") as worker:
        await declare(worker.settings)
        async with started_producer(worker.settings) as sender:
            await sender.send_and_wait(REGISTRY, json.dumps(PROFILE).encode(), key=b"7",
                                       partition=partition_of(7, PARTITIONS))
            tick = {"type": "tick", "source": "gateway", "gateway": "seoul-1", "at": "2026-11-24T00:00:00Z"}
            for number in range(PARTITIONS):
                await sender.send_and_wait(SMS, json.dumps(tick).encode(), partition=number)
        worker.start()
        address = f"http://127.0.0.1:{worker.port}"
        async with httpx.AsyncClient(base_url=address, headers={"Authorization": "Bearer open sesame"}) as http:
            await worker.wait_idle(http)
            async with asyncio.timeout(60):  # the lag is none, too, before anybody knows that something has come
                while True:
                    health = (await http.get("/health/")).json()
                    if all("seoul-1" in lane["judged_until"] for lane in health["lanes"].values()):
                        break
                    await asyncio.sleep(0.05)
            person = await http.get("/people/7/")
            missing, wrong = await http.get("/people/8/"), await http.get("/people/seven/")
            metrics = (await http.get("/metrics")).text
            closed = [(await http.get(path)).status_code for path in ("/table/", "/router/", "/stats/", "/graph/")]
        async with httpx.AsyncClient(base_url=address) as stranger:
            denied = [(await stranger.get(path)).status_code for path in ("/health/", "/metrics/", "/people/7/")]
    assert health["ready"]
    assert {lane["judged_until"]["seoul-1"] for lane in health["lanes"].values()} == {"2026-11-24T00:00:00Z"}
    assert (person.status_code, person.json()["subject"]) == (200, 7)
    assert PROFILE["devices"][0]["key"] not in person.text  # type: ignore[index]  # a document
    assert (missing.status_code, wrong.status_code) == (404, 400)
    assert 'anbu_records_total{topic="registry"} 1.0' in metrics
    lanes = [line.split("lane=")[1][:3] for line in metrics.splitlines() if line.startswith("anbu_judged_until{")]
    assert lanes == [f'"{partition_of(7, PARTITIONS)}"']  # nobody of that gateway is in the other lane
    assert "anbu_ready 1.0" in metrics
    assert closed == [404, 404, 404, 404]
    assert denied == [401, 401, 401]
