"""A system that is restored into a new broker and a new database goes on as the old one does: the same people in the
same states, and of what happens next the same alerts and reports, with the same ids and the same bodies."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from support.history import documents, record_topics
from support.worker import WorkerProcess

from cli.broker import Writable
from cli.broker import records as read
from cli.broker import write as publish
from cli.main import main
from cli.simulate import lines
from gateway.publisher import key_of
from gateway.sms import InboundSms
from models.times import parse_time
from runtime.settings import Settings
from simulator.fleet import Fleet
from stores.mongo import Store
from streams.partition import partition_of, partition_of_key
from streams.topics import ALERTS, ASKS, QUARANTINE, REGISTRY, REPORTS

PARTITIONS = 2
FLEET = Fleet(12, 2, date(2026, 11, 24), 3, "usual")
ASKED = {"ask_min": [0, 15, 26]}


def writables(first: int, last: int) -> list[Writable]:
    """What reaches the topics in these seconds; of the registry all before the first."""
    found = []
    for line in lines(FLEET):
        value = line["value"] | (ASKED if line["topic"] == REGISTRY else {})
        at = parse_time(value.get("received_at") or value["at"], "at") if line["topic"] != REGISTRY else 0
        if not first <= at < last:
            continue
        if value.get("type") == "tick":
            found += [Writable("sms", number, None, json.dumps(value).encode()) for number in range(PARTITIONS)]
        elif line["topic"] == "sms":
            key = key_of(InboundSms(value["id"], value["sender"], value["recipient"], value["text"], None))
            assert key is not None
            found.append(Writable("sms", partition_of_key(key, PARTITIONS), key, json.dumps(value).encode()))
        else:
            key = b"%d" % value["subject"]
            found.append(Writable(line["topic"], partition_of(value["subject"], PARTITIONS), key,
                                  json.dumps(value).encode()))
    return found


async def said(settings: Settings, topic: str) -> list[tuple[int, Any]]:
    """(partition, document) of each record but progress, in order within a partition."""
    found = [(one.partition, json.loads(one.value)) async for polled in read(topic, settings) for one in polled.records]
    return sorted((one for one in found if one[1].get("type") != "progress"), key=lambda one: one[0])


@asynccontextmanager
async def views(worker: WorkerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{worker.port}") as http:
        yield http


async def people(worker: WorkerProcess) -> list[Any]:
    async with views(worker) as http:
        return [(await http.get(f"/people/{home.subject}/")).json() for home in FLEET.homes]


@pytest.fixture
def keks(tmp_path: Path) -> Path:
    path = tmp_path / "kek.json"
    path.write_text(json.dumps(FLEET.keks()))
    return path


@pytest.fixture
def systems(tmp_path: Path, keks: Path, database_server: str) -> Iterator[tuple[WorkerProcess, WorkerProcess]]:
    """The old one and the new one, each with a broker and a database of its own; no worker runs yet."""
    name = tmp_path.name.replace("-", "_")[-20:]
    made = [WorkerProcess(tmp_path / which, ANBU_PARTITIONS=str(PARTITIONS), ANBU_KEK_FILE=str(keks),
                          ANBU_MONGODB=f"{database_server}{which}_{name}") for which in ("old", "new")]
    with made[0], made[1]:
        yield made[0], made[1]


@pytest.fixture
async def stores(systems: tuple[WorkerProcess, WorkerProcess]) -> AsyncIterator[tuple[Store, Store]]:
    """Their databases."""
    made = [Store(one.settings.mongodb) for one in systems]
    yield made[0], made[1]
    for store in made:
        await store.database.client.drop_database(store.database.name)
        store.close()


def anbu(environ: dict[str, str], *arguments: object) -> Any:
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environ)


@pytest.mark.timeout(180)
async def test_a_restored_system_goes_on_as_the_old_one(
        systems: tuple[WorkerProcess, WorkerProcess], stores: tuple[Store, Store], tmp_path: Path) -> None:
    (old, new), (old_store, new_store) = systems, stores
    split = FLEET.begin + 15 * 3600 + 20 * 60  # of the afternoon two questions of three are asked
    await old_store.prepare()
    # Twice, so that the offsets of the old system are far ahead of those of the new one.
    await publish([*writables(0, 1), *writables(0, 1)], old.settings)
    old.start()
    async with views(old) as http:
        await old.wait_idle(http)
        await publish(writables(1, split), old.settings)
        await old.wait_idle(http)
    await record_topics(old_store, old.settings)
    before = await people(old)

    done = await asyncio.to_thread(anbu, old.environ, "backup", tmp_path / "backup", "--keys", tmp_path / "keys",
                                   "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["files"]["registry.gz"][0] == len(FLEET.homes)
    assert (tmp_path / "keys").read_bytes() == (tmp_path / "kek.json").read_bytes()
    assert not any(key in path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file()
                   for key in [value.encode() for value in FLEET.keks().values()])
    done = await asyncio.to_thread(anbu, new.environ, "restore", tmp_path / "backup")
    assert done.exit_code == 0, done.output
    assert {name: set(ones) for name, ones in (await documents(new_store)).items()} == {
        name: set(ones) for name, ones in (await documents(old_store)).items()}

    profile = {**FLEET.registry()[0], "grace_min": 31}
    changed = Writable(REGISTRY, partition_of(profile["subject"], PARTITIONS), b"%d" % profile["subject"],
                       json.dumps(profile).encode())
    new.start()
    async with views(new) as http, views(old) as old_http:
        await new.wait_idle(http)
        assert await people(new) == before
        assert await said(new.settings, ALERTS) == []  # a restore publishes no alert
        ago = {topic: len(await said(old.settings, topic)) for topic in (ALERTS, REPORTS, QUARANTINE, ASKS)}
        for one, client in ((old, old_http), (new, http)):
            await publish([changed, *writables(split, FLEET.end + 1)], one.settings)
            await one.wait_idle(client)
        assert await people(new) == await people(old)
    for topic in (ALERTS, REPORTS, QUARANTINE, ASKS):
        after = [document for _, document in await said(new.settings, topic)]
        all_of_old = [document for _, document in await said(old.settings, topic)]
        assert len(after) == len(all_of_old) - ago[topic], topic
        for document in after:  # of quarantine the origin is another, as the topics begin again
            if topic != QUARANTINE:
                assert document in all_of_old
    for topic in (ALERTS, ASKS):
        assert min(ago[topic], len(await said(new.settings, topic))) > 0, f"days without {topic} prove nothing"

    # History takes what the new system says, of profiles and excuses too, whose offsets begin at 0 again.
    await record_topics(new_store, new.settings)
    await record_topics(old_store, old.settings)
    assert comparable(await documents(new_store)) == comparable(await documents(old_store))
    assert (await documents(new_store))["people"][str(profile["subject"])]["profile"]["grace_min"] == 31


def comparable(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Without the offsets of profiles and excuses; these in their order."""
    return {name: {key: {field: [one[1] for one in sorted(value.items(), key=lambda pair: int(pair[0]))]
                         if field == "excuses" else value
                         for field, value in document.items() if name != "people" or field != "ver"}
                   for key, document in ones.items()} for name, ones in found.items()}
