"""After compaction and retention no topic has a record of an erased person, not even the changelog."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from support.cleaner import forget_at_once
from support.history import record_topics
from support.worker import WorkerProcess

from cli.broker import Writable, records, write
from cli.main import main
from cli.simulate import lines
from gateway.publisher import key_of
from gateway.sms import InboundSms
from local.kafka import LocalKafka
from runtime.settings import Settings
from simulator.fleet import Fleet
from stores.mongo import Store
from stores.projection.collections import PERSONAL
from streams.partition import partition_of, partition_of_key
from streams.topics import ALERTS, ASKS, COMMANDS, QUARANTINE, REGISTRY, REPORTS, SMS, changelog, topics

PARTITIONS = 2
FLEET = Fleet(12, 1, date(2026, 11, 24), 3, "usual")
ASKED = {"ask_min": [0, 15, 26]}
PATIENCE_S = 90.0
def a_day() -> Iterator[Writable]:
    """The registry, a day's SMS of everybody, and the ticks of their gateways."""
    for line in lines(FLEET):
        value = line["value"] | (ASKED if line["topic"] == REGISTRY else {})
        octets = json.dumps(value).encode()
        if line["topic"] == REGISTRY:
            subject = value["subject"]
            yield Writable(REGISTRY, partition_of(subject, PARTITIONS), b"%d" % subject, octets)
        elif value.get("type") == "tick":
            yield from (Writable(SMS, number, None, octets) for number in range(PARTITIONS))
        else:
            key = key_of(InboundSms(value["id"], value["sender"], value["recipient"], value["text"], None))
            assert key is not None
            yield Writable(SMS, partition_of_key(key, PARTITIONS), key, octets)


async def traces(settings: Settings, subject: int) -> dict[str, int]:
    """How many records tell of a person, by topic: by their key, or anywhere in them. A number of other digits is not
    theirs, nor is a telephone's."""
    theirs = re.compile(rb"(?<![\d+-])%d(?![\d])" % subject)
    found = {}
    for topic in topics(settings):
        count = sum([bool(theirs.search(one.key or b"") or theirs.search(one.value or b""))
                     async for polled in records(topic.name, settings) for one in polled.records])
        if count:
            found[topic.name] = count
    return found


@pytest.mark.timeout(240)
async def test_no_topic_contains_records_of_an_erased_person(kafka: LocalKafka, tmp_path: Path, store: Store,
                                                             database_url: str) -> None:
    """The records and states of all other people are still there."""
    worker = WorkerProcess(tmp_path / "watch", ANBU_KAFKA=kafka.address, ANBU_PARTITIONS=str(PARTITIONS),
                           ANBU_GUARANTEE="fence", ANBU_KEK=json.dumps(FLEET.keks()), ANBU_MONGODB=database_url)
    settings = worker.settings
    subject, other = (FLEET.homes[number].subject for number in (2, 5))  # the first is asked in the afternoon
    with worker:
        async with httpx.AsyncClient() as http:
            await write(a_day(), settings)
            worker.start()
            await worker.wait_idle(http)
            await record_topics(store, settings)
            assert {SMS, REGISTRY, REPORTS, ASKS, changelog(settings)} <= (await traces(settings, subject)).keys()
            assert await store.database["buckets"].count_documents({"subject": subject})

            done = await asyncio.to_thread(lambda: CliRunner().invoke(main, ["erase", str(subject), "--yes"],
                                                                      env=worker.environ))
            assert done.exit_code == 0, done.output
            await worker.wait_idle(http)  # it says what comes of the tombstone, such as alerts that are over
            await record_topics(store, settings)
            left = [name for name in PERSONAL if await store.database[name].count_documents({"subject": subject})]
            assert left == []

            await forget_at_once(settings)
            async with asyncio.timeout(PATIENCE_S):
                while told := await traces(settings, subject):
                    # Life goes on: what is written next closes the segments that the broker may touch then.
                    await write(everything_else(subject), settings)
                    await worker.wait_idle(http)
                    await asyncio.sleep(0.5)
            assert told == {}
            url = f"http://127.0.0.1:{worker.port}/people"
            assert (await http.get(f"{url}/{subject}/")).status_code == 404
            assert (await http.get(f"{url}/{other}/")).json()["subject"] == other
    assert (await traces(settings, other)).keys() >= {REGISTRY, changelog(settings)}


def everything_else(subject: int) -> Iterator[Writable]:
    """A record in each partition of each topic: ticks, and everybody else's profile again, so that the worker writes
    their states again."""
    for profile in FLEET.registry():
        if profile["subject"] != subject:
            yield Writable(REGISTRY, partition_of(profile["subject"], PARTITIONS), b"%d" % profile["subject"],
                           json.dumps(profile).encode())
    tick = b'{"type":"tick","source":"clock","at":"2026-11-25T00:00:00Z"}'
    for number in range(PARTITIONS):
        yield from (Writable(topic, number, None, tick) for topic in (SMS, COMMANDS, ALERTS, REPORTS, QUARANTINE, ASKS))
