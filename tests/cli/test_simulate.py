"""A fleet through Kafka and a real worker, or to a gateway; and what the gateway's process says when it cannot run."""

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import pytest
from support.commands import Anbu
from support.gateway import RunningGateway, read_sms, running_gateway
from support.worker import WorkerProcess

from simulator.fleet import Fleet
from streams.clock import SystemClock
from streams.embedded import free_port
from streams.settings import Settings
from streams.topics import declare

ANBU = Path(sys.executable).with_name("anbu")


@pytest.mark.timeout(180)
def test_a_fleet_through_a_worker_is_judged_right(anbu: Anbu, tmp_path: Path) -> None:
    """The worker starts while the registry is written; nobody is met before being known."""
    keks = tmp_path / "fleet.json"
    keks.write_bytes(orjson.dumps(Fleet(60, seed=3).keks()))
    with WorkerProcess(tmp_path / "worker", ANBU_PARTITIONS="4", ANBU_KEK_FILE=str(keks)) as worker:
        worker.start()
        done = anbu("simulate", "--subjects", 60, "--seed", 3, "--truth", tmp_path / "truth", "--to", "kafka",
                    ANBU_KAFKA=worker.settings.kafka)
        assert (done.exit_code, "no worker" in done.stderr) == (0, False)

        async def judged() -> None:
            async with httpx.AsyncClient() as http:
                await worker.wait_idle(http)

        asyncio.run(judged())
        (tmp_path / "alerts").write_text(anbu("alerts", "--json", ANBU_KAFKA=worker.settings.kafka).stdout)
    found = anbu("score", "--truth", tmp_path / "truth", "--alerts", tmp_path / "alerts", "--json")
    assert orjson.loads(found.stdout) == {"due": 27, "missed": 0, "late": 0, "false": 0}


def test_a_fleet_to_a_gateway(anbu: Anbu, settings: Settings) -> None:
    with running_gateway(settings, SystemClock()) as gateway:
        gateway.wait_until_up()
        done = anbu("simulate", "--subjects", 20, "--to", gateway.url)
        assert done.exit_code == 0
        found = asyncio.run(read_sms(settings))
    names = sorted(one["id"] for records in found.values() for one in records if one["type"] == "sms")
    assert names == sorted(one.id for one in Fleet(20).deliveries())
    assert f"{len(names)} records" in done.stderr


def test_nobody_listens(anbu: Anbu) -> None:
    done = anbu("simulate", "--subjects", 1, "--to", "http://127.0.0.1:1")
    assert (done.exit_code, "no gateway answers" in done.stderr) == (1, True)
    done = anbu("simulate", "--subjects", 1, "--to", "kafka")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)


def test_a_gateway_without_a_secret(anbu: Anbu) -> None:
    done = anbu("gateway", ANBU_GATEWAY_SECRET=None)
    assert (done.exit_code, done.stderr.count("\n"), "ANBU_GATEWAY_SECRET" in done.stderr) == (2, 1, True)


def test_a_gateway_before_topics_of_other_partitions(environ: dict[str, str], settings: Settings) -> None:
    asyncio.run(declare(settings))
    ended = subprocess.run([ANBU, "gateway"], env={**environ, "ANBU_PARTITIONS": "3", "ANBU_GATEWAY_PORT": "0"},
                           capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.count("\n"), "ANBU_PARTITIONS" in ended.stderr) == (2, 1, True)


def test_a_gateway_ends_when_it_is_told_to(environ: dict[str, str], settings: Settings) -> None:
    """The process itself: it answers, ticks, and leaves at SIGTERM."""
    port = free_port()
    process = subprocess.Popen([ANBU, "gateway"], env={**environ, "ANBU_GATEWAY_PORT": str(port)},
                               stderr=subprocess.PIPE, text=True)
    try:
        gateway = RunningGateway(f"http://127.0.0.1:{port}", settings, SystemClock())
        gateway.wait_until_up()
        assert gateway.post({"text": "W."}).status_code == 202
        process.terminate()
        process.wait(30)
    finally:
        process.kill()
        said = process.communicate()[1]
    assert said == ""
    assert any(one["type"] == "tick" for records in asyncio.run(read_sms(settings)).values() for one in records)
