"""Two workers share the lanes, and either answers for both."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import orjson
import pytest
from support.worker import WorkerProcess

from streams.kafka import producer
from streams.local_kafka import LocalKafka
from streams.partition import partition_of
from streams.topics import REGISTRY, declare

PEOPLE = range(1, 13)
PARTITIONS = 4


@pytest.mark.timeout(150)
async def test_a_person_is_shown_by_any_worker(kafka: LocalKafka, tmp_path: Path) -> None:
    variables = {"ANBU_KAFKA": kafka.address, "ANBU_PARTITIONS": str(PARTITIONS), "ANBU_GUARANTEE": "fence",
                 "ANBU_KEK": orjson.dumps({"k1": "A" * 43 + "="}).decode(), "ANBU_WORKER_TOKEN": "open sesame"}
    workers = [WorkerProcess(tmp_path / name, **variables) for name in ("one", "two")]
    await declare(workers[0].settings)
    sender = producer(workers[0].settings)
    await sender.start()
    for subject in PEOPLE:
        profile = {"subject": subject, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
                   "since": "2026-01-01T00:00:00Z"}
        await sender.send_and_wait(REGISTRY, orjson.dumps(profile), key=b"%d" % subject,
                                   partition=partition_of(subject, PARTITIONS))
    await sender.stop()
    headers = {"Authorization": "Bearer open sesame"}
    with workers[0], workers[1]:
        async with httpx.AsyncClient(headers=headers) as http, asyncio.timeout(90):
            for worker in workers:
                worker.start()
            while [len((await one.health(http) or {}).get("lanes", {})) for one in workers] != [2, 2]:
                await asyncio.sleep(0.1)
            answers: Counter[tuple[int, object]] = Counter()
            for worker in workers:
                for subject in PEOPLE:
                    answer = await http.get(f"http://127.0.0.1:{worker.port}/people/{subject}/")
                    answers[answer.status_code, answer.json().get("subject") == subject] += 1
            nobody = [(await http.get(f"http://127.0.0.1:{one.port}/people/99/")).status_code for one in workers]
    assert answers == {(200, True): 2 * len(PEOPLE)}
    assert nobody == [404, 404]
