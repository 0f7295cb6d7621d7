"""The broker is cut off in the middle of a day and comes back: the worker says so and resumes, without a loss."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import pytest
from support.audit import audit
from support.broker import GUARANTEE, a_broker
from support.proxy import proxy

from cli.simulate import lines
from local.embedded import free_port
from models.wire.keys import KeyRing, parse_keks
from runtime.settings import Settings
from simulator.fleet import Fleet
from streams.kafka import started_producer
from streams.partition import partition_of_key
from streams.topics import declare

CUT_S = 4.0


async def feed(settings: Settings, some: list[dict[str, object]]) -> None:
    async with started_producer(settings) as sender:
        for line in some:
            value = line["value"]
            assert isinstance(value, dict)
            octets, topic = json.dumps(value).encode(), line["topic"]
            if value.get("type") == "tick":
                for number in range(settings.partitions):
                    await sender.send_and_wait(topic, octets, partition=number)
            else:
                key = str(value.get("subject", value.get("sender"))).encode()
                await sender.send_and_wait(topic, octets, key=key, partition=partition_of_key(key, settings.partitions))


async def health(port: int) -> dict[str, object] | None:
    async with httpx.AsyncClient() as http:
        try:
            found: dict[str, object] = (await http.get(f"http://127.0.0.1:{port}/health/")).json()
        except (httpx.TransportError, ValueError):
            return None
    return found


async def until(port: int, *, ready: bool) -> None:
    """Until the worker says so; not to answer is not to be ready."""
    async with asyncio.timeout(90):
        while bool((await health(port) or {}).get("ready")) is not ready:
            await asyncio.sleep(0.1)


async def until_idle(port: int) -> None:
    async with asyncio.timeout(90):
        while True:
            found = await health(port) or {}
            lanes = found.get("lanes")
            if isinstance(lanes, dict) and lanes and not any(sum(lane["lag"].values()) for lane in lanes.values()):
                return
            await asyncio.sleep(0.1)


def supervised(variables: dict[str, str], path: Path) -> "subprocess.Popen[bytes]":
    """`anbu worker` as an operator starts it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANBU_")}
    with path.open("wb") as log:
        return subprocess.Popen([str(Path(sys.executable).with_name("anbu")), "worker"], env=kept | variables,
                                stdout=log, stderr=log, start_new_session=True)


@pytest.mark.timeout(280)
async def test_a_broker_that_is_cut_off_loses_no_record(tmp_path: Path) -> None:
    fleet = Fleet(20, 1, seed=2)
    keks = tmp_path / "kek.json"
    keks.write_bytes(orjson.dumps(fleet.keks()))
    outside, port = free_port(), free_port()
    day = [line for number, line in enumerate(lines(fleet)) if line["value"].get("type") != "tick" or number % 10 == 0]
    with a_broker(tmp_path, advertised_port=outside) as broker, \
            proxy(int(broker.address.rsplit(":", 1)[1]), outside) as network:
        variables = {"ANBU_KAFKA": f"127.0.0.1:{outside}", "ANBU_GUARANTEE": GUARANTEE, "ANBU_PARTITIONS": "2",
                     "ANBU_KEK_FILE": str(keks), "ANBU_AGENTS": "watch", "ANBU_WORKER_PORT": str(port),
                     "ANBU_CLOCK_TICK_S": "0", "ANBU_DATA_DIR": str(tmp_path / "data")}
        settings = Settings.from_env(variables)
        await declare(settings)
        worker = supervised(variables, tmp_path / "worker.log")
        try:
            await until(port, ready=True)
            await feed(settings, day[:len(day) // 2])
            network.cut()
            await until(port, ready=False)
            await asyncio.sleep(CUT_S)
            network.refuses = False
            await until(port, ready=True)
            await feed(settings, day[len(day) // 2:])
            await until_idle(port)
            found = await audit(settings, KeyRing(parse_keks(keks.read_bytes())))
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
    assert found.problems == []
    assert found.outputs > 0
