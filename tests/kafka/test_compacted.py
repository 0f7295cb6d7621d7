"""A changelog that the broker has really compacted gives every state back: of all its `done` only the last is left."""

import asyncio
import json
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from aiokafka import TopicPartition
from support.cleaner import cleaning_kafka, forget_at_once
from support.worker import WorkerProcess

from cli.broker import Writable, write
from local.kafka import LocalKafka
from runtime.settings import Settings
from streams.engine.changelog import DONE, States, load, read, reader
from streams.topics import REGISTRY, SMS, changelog

PEOPLE = range(1, 21)
kafka = cleaning_kafka


def profile(subject: int) -> Writable:
    return Writable(REGISTRY, 0, b"%d" % subject, json.dumps({
        "subject": subject, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
        "since": "2026-01-01T00:00:00Z"}).encode())


async def changelog_of(settings: Settings) -> tuple[States, int]:
    """What is read back, and how many records stand before the first `done`."""
    tp = TopicPartition(changelog(settings), 0)
    async with reader(settings) as one:
        await load(one, tp, states := States())
        return states, [record.key async for record in read(one, tp)].index(DONE)


@pytest.mark.timeout(150)
async def test_every_person_is_there_after_compaction_and_a_restart(kafka: LocalKafka, tmp_path: Path) -> None:
    worker = WorkerProcess(tmp_path / "watch", ANBU_KAFKA=kafka.address, ANBU_PARTITIONS="1", ANBU_GUARANTEE="fence",
                           ANBU_KEK=json.dumps({"k1": b64encode(bytes(32)).decode()}))
    with worker:
        async with httpx.AsyncClient() as http, asyncio.timeout(120):
            worker.start()
            for subject in PEOPLE:  # a batch each
                await write([profile(subject)], worker.settings)
                await worker.wait_idle(http)
            before, _ = await changelog_of(worker.settings)
            await forget_at_once(worker.settings, changelog(worker.settings))
            while (await changelog_of(worker.settings))[1] < len(PEOPLE):
                await write([profile(99)], worker.settings)
                await write([Writable(REGISTRY, 0, b"99", None)], worker.settings)
                await write([Writable(SMS, 0, None, b"{}")], worker.settings)  # answered, so with a plan
                await worker.wait_idle(http)
                await asyncio.sleep(0.5)
            assert worker.terminate() == 0
            worker.start()
            await worker.wait_idle(http)
            found = [(await http.get(f"http://127.0.0.1:{worker.port}/people/{subject}/")).status_code
                     for subject in PEOPLE]
            after, _ = await changelog_of(worker.settings)
    assert found == [200] * len(PEOPLE)
    assert {key: after.get(key) for key in before} == before
