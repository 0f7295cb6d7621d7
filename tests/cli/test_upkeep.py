"""`migrate`, `recompute`, `export` and `erase`, on a database and a broker as they are."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from bson.datetime_ms import DatetimeMS
from support.commands import Anbu
from support.database import ON_MONGODB
from support.expected_history import Said, expected
from support.history import documents, said_of, write
from support.vectors import VECTORS, key_ring, read_lines, replay

from cli.broker import SubjectRecord, publish, records
from runtime.settings import Settings
from stores import bulk
from stores.mongo import Store
from stores.projection.collections import (
    ALERTS,
    BUCKETS,
    CATALOGUE,
    CHECKINS,
    DAYS,
    DEVICES,
    ERASED,
    INCIDENTS,
    PEOPLE,
    STATES,
)

WHOLE = ["--from", "2026-11-20", "--to", "2026-11-26"]


def scenario(name: str) -> list[Said]:
    lines = read_lines(VECTORS / "scenarios" / f"{name}.in.jsonl")
    return said_of(lines, replay(lines, key_ring()))


@pytest.fixture(autouse=True)
def _database(environ: dict[str, str], database_url: str) -> None:
    environ["ANBU_MONGODB"] = database_url


@pytest.fixture
def day() -> list[Said]:
    """What history is made of, of several people, devices and alerts."""
    return [one for name in ("morning", "device_alerts") for one in scenario(name)]


async def run(anbu: Anbu, *arguments: object) -> str:
    done = await asyncio.to_thread(anbu, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


async def test_a_new_database_is_prepared_and_then_up_to_date(anbu: Anbu, database_url: str) -> None:
    store = Store(database_url)
    said = await run(anbu, "migrate", "--dry-run")
    assert "create the collection buckets" in said
    assert await store.database.list_collection_names() == []
    await run(anbu, "migrate")
    assert set(await store.database.list_collection_names()) == {one.name for one in CATALOGUE}
    assert await run(anbu, "migrate") == "the database is up to date\n"
    store.close()


async def older(store: Store) -> None:
    """Make of every document what version 1 would have written."""
    new = {BUCKETS: ["seen", "dated"], STATES: ["mornings", "c", "heard.site"], DEVICES: ["trend", "c", "heard.site"],
           CHECKINS: ["dated"], ALERTS: ["dated"], INCIDENTS: ["dated"], DAYS: ["dated", "woke", "sms"],
           PEOPLE: ["sites", "moved"]}
    for name, fields in new.items():
        await store.database[name].update_many({}, [{"$set": {"schema": 1}}, {"$unset": fields}])
    async for one in store.database[BUCKETS].find():
        reports = {key: {name: value for name, value in report.items() if name != "counts"}
                   for key, report in one["reports"].items()}
        await store.database[BUCKETS].update_one({"_id": one["_id"]}, {"$set": {
            "reports": reports, "c": {"n": len(reports)}, "expires": datetime(2028, 1, 1, tzinfo=UTC)}})


async def test_documents_of_the_first_version_are_migrated(anbu: Anbu, store: Store, day: list[Said]) -> None:
    await write(store, day)
    await older(store)
    before = await documents(store)
    said = await run(anbu, "migrate", "--dry-run")
    assert f"upgrade {len(before['buckets'])} documents of buckets" in said
    assert await documents(store) == before
    await run(anbu, "migrate")
    await run(anbu, "recompute", *WHOLE)
    assert await documents(store) == expected(day)
    assert [one async for one in store.database[BUCKETS].find({"expires": {"$exists": True}})] == []
    assert await store.database[CHECKINS].count_documents({"dated": {"$type": "date"}}) == len(before["checkins"])
    assert await run(anbu, "migrate") == "the database is up to date\n"


async def test_an_interrupted_migration_is_resumed(anbu: Anbu, store: Store, day: list[Said]) -> None:
    """Half of the documents are migrated, and `record` has written some of them again meanwhile."""
    await write(store, day)
    await older(store)
    await write(store, day[::3])
    await run(anbu, "migrate")
    await write(store, day)
    assert await documents(store) == expected(day)


async def test_a_changed_retention_is_applied(anbu: Anbu, store: Store) -> None:
    done = await asyncio.to_thread(lambda: anbu("migrate", ANBU_RETENTION_DAYS="checkins=800"))
    found = await store.database[CHECKINS].index_information()
    assert (done.stdout, found["dated_1"].get("expireAfterSeconds")) == (
        ("keep checkins for 800 days\n", 800 * 86_400) if ON_MONGODB else ("the database is up to date\n", None))
    done = await asyncio.to_thread(lambda: anbu("migrate", ANBU_RETENTION_DAYS="checkins=3"))
    assert (done.exit_code, "35 to 24855 days" in done.stderr) == (2, True)


async def test_wrong_figures_are_found_and_recomputed(anbu: Anbu, store: Store, day: list[Said]) -> None:
    await write(store, day)
    assert await run(anbu, "recompute", *WHOLE) == "all figures are right\n"
    right = await documents(store)
    await store.database[DAYS].update_one({"_id": "2026-11-24/jongno"}, {"$set": {"checkins.morning.awake": 99}})
    bucket = next(iter(right["buckets"]))
    await store.database[BUCKETS].update_one({"_id": bucket}, {"$set": {"c.n": 99}})
    wrong = await documents(store)
    said = json.loads(await run(anbu, "recompute", *WHOLE, "--dry-run", "--json"))
    assert said == {"changed": [bucket, "2026-11-24/jongno"]}
    assert await documents(store) == wrong
    assert "2 changed" in await run(anbu, "recompute", *WHOLE)
    assert await documents(store) == right


@pytest.mark.parametrize(("first", "last", "said"), [
    ("2026-11-26", "2026-11-20", "--to is before --from"), ("0001-01-01", "2026-11-20", "1970 to 2199"),
    ("2026-11-20", "9999-12-31", "1970 to 2199"), ("2026-11-31", "2026-12-01", "--from")])
def test_days_that_cannot_be_recomputed_are_refused(anbu: Anbu, first: str, last: str, said: str) -> None:
    done = anbu("recompute", "--from", first, "--to", last)
    assert (done.exit_code, said in done.stderr) == (2, True), done.output


async def test_the_export_of_a_person_has_no_keys(anbu: Anbu, store: Store, day: list[Said], tmp_path: Path) -> None:
    await write(store, day)
    await store.set_contact(7, {"name": "김영자"})
    found = json.loads(await run(anbu, "export", 7))
    stored = await documents(store)
    assert {one["_id"] for one in found["checkins"]} == {key for key in stored["checkins"] if key.startswith("7/")}
    assert found["people"][0]["contact"] == {"name": "김영자"}
    assert "kek" not in json.dumps(found)
    assert (await asyncio.to_thread(anbu, "export", 99)).exit_code == 1
    done = await asyncio.to_thread(anbu, "export", 7, "--to", tmp_path / "nowhere" / "7.json")
    assert (done.exit_code, "cannot be written: No such file" in done.stderr) == (2, True)
    await run(anbu, "export", 7, "--to", tmp_path / "7.json")
    assert json.loads((tmp_path / "7.json").read_bytes()) == found
    assert (tmp_path / "7.json").stat().st_mode & 0o777 == 0o600
    assert (await asyncio.to_thread(anbu, "export", 7, "--to", tmp_path / "7.json")).exit_code == 2


@pytest.mark.skipif(not ON_MONGODB, reason="the embedded database takes no such date")
async def test_an_unreadable_document_is_reported(anbu: Anbu, store: Store, day: list[Said]) -> None:
    await write(store, day)
    await store.database[CHECKINS].update_one({"subject": 7}, {"$set": {"dated": DatetimeMS(10**15)}})
    done = await asyncio.to_thread(anbu, "export", 7)
    assert (done.exit_code, "holds an unusable value: year 33658" in done.stderr) == (1, True)


async def traces(store: Store, *words: str) -> list[str]:
    """Every place of the database that says one of the words, whatever collection it is in."""
    found = []
    for name in await store.database.list_collection_names():
        async for one in store.database[name].find():
            text = json_util.dumps(one, ensure_ascii=False)
            found += [f"{name} {one['_id']}: {word}" for word in words if word in text]
    return found


async def test_an_erasure_leaves_only_the_number_and_the_audit_entry(anbu: Anbu, settings: Settings, store: Store,
                                                                     day: list[Said]) -> None:
    """7 is in every collection; the names of days and of other people have no 7 of their own."""
    await write(store, day)
    await store.set_contact(7, {"name": "김영자", "telephone": "+821055507777"})
    await store.append_audit("a", "2026-11-24T00:00:00Z", "kim", "viewed", 7, {"name": "김영자"})
    await store.database["deliveries"].insert_one({
        "_id": "7/7:sos:0.1.17/1/slack", "schema": 1, "thread": "7/7:sos:0.1.17", "alert": "7:sos:0.1.17",
        "revision": 1, "channel": "slack", "status": "sent", "attempts": 1, "due": 0, "subject": 7})
    others = expected([one for one in day if not of(one, 7)])
    assert (await asyncio.to_thread(anbu, "erase", 7)).exit_code == 1, "it asks first"
    assert await traces(store, "김영자")
    said = await run(anbu, "erase", 7, "--yes", "--by", "lee")
    assert "7 is erased" in said

    async def check() -> None:
        assert await traces(store, "김영자", "+821055507777", '"7/', '"7:') == []
        left = [name for name in await store.database.list_collection_names()
                if await store.database[name].count_documents({"subject": 7})]
        assert left == ["audit"]
        entries = [one async for one in store.database["audit"].find({"subject": 7}).sort([("at", 1)])]
        assert sorted((one["by"], one["action"], str(one["detail"])) for one in entries) == [
            ("kim", "viewed", "{}"), ("lee", "erased", "{}")]
        assert [one["_id"] async for one in store.database[ERASED].find()] == ["7"]
        assert await documents(store) == others

    await check()
    await write(store, day)  # a replay of all that the topics still have
    await check()
    found = [record async for polled in records("registry", settings) for record in polled.records]
    assert {(record.key, record.value) for record in found} == {(b"7", None)}, "what compaction leaves, and then takes"
    assert {record.partition for record in found} == set(range(settings.partitions)), "a misplaced profile goes as well"


def of(said: Said, subject: int) -> bool:
    value: dict[str, Any] = said.value or {}
    return subject == (int(said.key or "0") if said.topic in ("registry", "alerts") and (said.key or "").isdecimal()
                       else value.get("subject"))


@pytest.mark.parametrize("dies", [False, True])
async def test_an_erasure_during_a_write_leaves_no_document(store: Store, day: list[Said],
                                                            monkeypatch: pytest.MonkeyPatch, *, dies: bool) -> None:
    """The batch was begun before the mark: what it writes after the deletion, it takes away itself; or, if it dies
    before that, when it comes again."""
    real, erase = bulk.attempt, store.erase

    async def dead(_: int) -> dict[str, int]:
        raise SystemError

    async def erased_meanwhile(database: Any, collection: str, operations: Any) -> Any:
        monkeypatch.undo()
        await store._people.mark_erased(7, "2026-11-24T00:00:00Z")
        await erase(7)
        if dies:
            monkeypatch.setattr(store, "erase", dead)
        return await real(database, collection, operations)

    monkeypatch.setattr(bulk, "attempt", erased_meanwhile)
    if dies:
        with pytest.raises(SystemError):
            await write(store, day)
        monkeypatch.undo()
    await write(store, day)
    assert await documents(store) == expected([one for one in day if not of(one, 7)])


async def test_without_a_broker_nothing_is_erased(anbu: Anbu, store: Store, day: list[Said]) -> None:
    await write(store, day)
    done = await asyncio.to_thread(anbu, "erase", 7, "--yes")
    assert (done.exit_code, "not erased" in done.stderr) == (1, True)
    assert await documents(store) == expected(day)
    assert await store.database[ERASED].count_documents({}) == 0


async def test_an_unknown_number_is_not_erased(anbu: Anbu, settings: Settings, store: Store, day: list[Said]) -> None:
    """The number could never be used again, and the person who was meant would not be erased."""
    await write(store, day)
    await publish([SubjectRecord("registry", 8, {"subject": 8, "site": "broken"})], settings)
    done = await asyncio.to_thread(anbu, "erase", 9999, "--yes")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "neither the registry nor the database knows the number 9999" in done.stderr
    assert await store.database[ERASED].count_documents({}) == await store.database["audit"].count_documents({}) == 0
    assert {record.key async for polled in records("registry", settings) for record in polled.records} == {b"8"}


@pytest.mark.parametrize("left", ["the mark", "a record of the registry", "a document", "nothing that is looked at"])
async def test_a_person_of_whom_only_a_trace_is_left_is_erased(anbu: Anbu, settings: Settings, store: Store,
                                                               left: str) -> None:
    """The mark is left by an erasure that was interrupted just after it."""
    if left == "the mark":
        await store._people.mark_erased(7, "2026-11-24T00:00:00Z")
    elif left == "a record of the registry":
        await publish([SubjectRecord("registry", 7, {"subject": 7, "site": "broken"})], settings)
    elif left == "a document":
        await store.set_contact(7, {"name": "김영자"})
    said = await run(anbu, "erase", 7, "--yes", *(["--unknown"] if left == "nothing that is looked at" else []))
    assert "7 is erased" in said
    assert "7 is erased" in await run(anbu, "erase", 7, "--yes"), "again, where it was cut off later"
    assert await traces(store, "김영자") == []
    assert [one["_id"] async for one in store.database[ERASED].find()] == ["7"]
    found = [record async for polled in records("registry", settings) for record in polled.records]
    assert {record.partition for record in found if record.value is None} == set(range(settings.partitions))
