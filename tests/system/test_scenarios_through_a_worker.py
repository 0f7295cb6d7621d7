"""The scenarios again, through a real worker on the embedded broker: what stands on the topics is what was expected."""

import asyncio
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import TopicPartition
from support.compare import differences
from support.vectors import KEK_FILE, SCENARIOS, VECTORS, read_lines
from support.worker import WorkerProcess

from cli.replay import read_records
from streams.engine.changelog import read, reader
from streams.kafka import started_producer
from streams.topics import ALERTS, ASKS, QUARANTINE, REPORTS, declare

AT_ONCE = 6
pytestmark = pytest.mark.timeout(240)


async def play(name: str, folder: Path) -> list[dict[str, Any]]:
    """The lines of a scenario on the topics, in their order; and what the worker made of them."""
    lines = read_lines(VECTORS / "scenarios" / f"{name}.in.jsonl")
    with WorkerProcess(folder, ANBU_PARTITIONS="1", ANBU_KEK_FILE=str(KEK_FILE)) as worker:
        await declare(worker.settings)
        worker.start()
        async with started_producer(worker.settings) as sender, httpx.AsyncClient() as http:
            await worker.wait_idle(http)
            before = None
            for record in read_records([json.dumps(line).encode() for line in lines], name, Counter()):
                if before not in (None, record.topic):
                    await worker.wait_idle(http)  # else it is chance which topic is read first
                before = record.topic
                await sender.send_and_wait(record.topic, record.value, key=record.key, partition=0)
            await worker.wait_idle(http)
        found = await said(worker)
        assert worker.terminate() == 0
    return found


async def said(worker: WorkerProcess) -> list[dict[str, Any]]:
    async with reader(worker.settings) as consumer:
        return [{"topic": topic, "key": (record.key or b"").decode() or None, "value": json.loads(record.value)}
                for topic in (ALERTS, REPORTS, QUARANTINE, ASKS)
                async for record in read(consumer, TopicPartition(topic, 0)) if b'"progress"' not in record.value]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]] | Exception]:
    """All scenarios, some at once: most of the time a worker waits to join its group."""
    folder = tmp_path_factory.mktemp("scenarios")

    def run(name: str) -> list[dict[str, Any]] | Exception:
        try:
            return asyncio.run(play(name, folder / name))
        except Exception as error:  # noqa: BLE001 - it fails the test of its scenario
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(SCENARIOS, pool.map(run, SCENARIOS), strict=True))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_worker_answers_a_scenario_as_written(name: str, played: dict[str, list[dict[str, Any]] | Exception]) -> None:
    got = played[name]
    if isinstance(got, Exception):
        raise got
    assert differences(read_lines(VECTORS / "scenarios" / f"{name}.out.jsonl"), got) == []
