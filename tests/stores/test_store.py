"""Records leave the page's data alone, schemas refuse unreadable documents, and errors name a remedy."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson.errors import InvalidDocument
from pymongo import UpdateOne
from pymongo.errors import AutoReconnect, BulkWriteError, ConfigurationError, OperationFailure
from pymongo.results import BulkWriteResult
from support.database import ON_MONGODB, new_database
from support.expected_history import Said
from support.history import documents, write

from local.embedded import free_port
from stores import bulk
from stores.bulk import AT_ONCE
from stores.embedded import embedded_database_command
from stores.errors import StoreAwayError, StoreRefusedError, mapped
from stores.mongo import Store
from stores.projection.collections import ALERTS, AUDIT, BUCKETS, CATALOGUE, CHECKINS, PEOPLE
from stores.projection.operations import DocumentChange

PROFILE = {"subject": 7, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-11-01T00:00:00Z",
           "name": "Kim", "devices": [{"slot": 0, "epoch": 1, "kek": "k1", "key": "A" * 58 + "A="}],
           "excused": [{"from": "2026-12-24", "to": "2026-12-26", "reason": "travel"}]}

ALERT: dict[str, Any] = {
    "ver": 1, "alert": "a", "kind": "sos", "severity": "critical", "active": True, "opened_at": "t", "changed_at": "t",
    "revisions": {}, "subject": 7, "site": "jongno"}


async def test_contact_data_stay_when_the_registry_changes(store: Store) -> None:
    contact = {"name": "김영희", "telephone": "+821012345678", "address": "종로 1", "notes": "hard of hearing"}
    await store.set_contact(7, contact)
    await write(store, [Said("registry", 5, "7", PROFILE)])
    await store.set_contact(8, {"name": "Lee", "shoe_size": 42})
    await write(store, [Said("registry", 6, "7", None)])
    people = {one["_id"]: one async for one in store.database[PEOPLE].find()}
    assert people["7"]["contact"] == contact
    assert (people["7"]["gone"], people["7"]["profile"], people["7"]["site"]) == (True, None, None)
    assert people["8"]["contact"] == {"name": "Lee"}


async def test_neither_keys_nor_names_come_from_the_registry(store: Store) -> None:
    await write(store, [Said("registry", 5, "7", PROFILE)])
    [person] = (await documents(store))["people"].values()
    assert person["profile"] == {name: value for name, value in PROFILE.items() if name != "name"} | {
        "devices": [{"slot": 0, "epoch": 1}]}


async def test_an_audit_entry_is_written_once(store: Store) -> None:
    for by in ("kim", "somebody else"):
        await store.append_audit("r1", "2026-11-24T00:00:00Z", by, "viewed", 7, {"page": "person"})
    [entry] = [one async for one in store.database[AUDIT].find()]
    assert (entry["by"], entry["action"], entry["subject"], entry["detail"]) == ("kim", "viewed", 7, {"page": "person"})


async def test_preparing_again_changes_nothing(store: Store) -> None:
    async def indexes() -> dict[str, object]:
        return {one.name: await store.database[one.name].index_information() for one in CATALOGUE}

    before = await indexes()
    await store.prepare()
    assert await indexes() == before
    assert {name: len(found) - 1 for name, found in before.items() if isinstance(found, dict)} == {
        one.name: len(one.indexes) for one in CATALOGUE}


async def test_a_schema_refuses_unusable_documents_and_the_rest_is_written(store: Store) -> None:
    good = DocumentChange(PEOPLE, "8", {"subject": 8})
    with pytest.raises(StoreRefusedError, match="breaks the schema of the collection") as refused:
        await store.apply([DocumentChange(PEOPLE, "7", {"subject": "seven"}), good,
                           DocumentChange(CHECKINS, "7/x", {"subject": 7})])
    assert refused.value.places == {(PEOPLE, "7"), (CHECKINS, "7/x")}
    assert list((await documents(store))["people"]) == ["8"]


async def test_reports_are_deleted_after_their_retention(store: Store) -> None:
    received = "2026-11-24T00:00:00Z"
    await write(store, [Said("reports", 0, "7", {
        "type": "report", "id": "0.1.1", "subject": 7, "site": "jongno", "device_time": None, "received_at": received,
        "late": False, "attrs": [], "activity": None, "battery_pct": None, "signal_dbm": None, "temp_c": None,
        "humidity_pct": None, "window": None, "flags": []})])
    bucket = await store.database[BUCKETS].find_one()
    assert bucket is not None
    assert bucket["_id"] == "7/2026-W48"
    assert bucket["dated"] == datetime(2026, 11, 30, tzinfo=UTC)
    found = await store.database[BUCKETS].index_information()
    assert [one["expireAfterSeconds"] for one in found.values() if "expireAfterSeconds" in one] == (
        [400 * 86_400] if ON_MONGODB else []), "the embedded database would read all there is once in a minute"


@pytest.mark.parametrize(("error", "ours"), [
    (AutoReconnect("gone"), StoreAwayError),
    (OperationFailure("not primary", 10107), StoreAwayError),
    (OperationFailure("the disk is full", 14031), StoreAwayError),
    (OperationFailure("bad value", 2), StoreRefusedError),
    (OperationFailure("an expression", 16020), StoreRefusedError),
    (InvalidDocument("no"), StoreRefusedError),
    (OverflowError("70 bits"), StoreRefusedError),
    (ConfigurationError("no such option"), ConfigurationError),
])
def test_an_error_says_what_to_do(error: Exception, ours: type[Exception]) -> None:
    with pytest.raises(ours), mapped():
        raise error


class Failing:
    """A collection that has nothing, and of which every bulk fails. counts: the operations of each."""

    def __init__(self, answer: Callable[[int], dict[str, Any]]) -> None:
        self._answer, self.counts = answer, list[int]()

    async def bulk_write(self, operations: list[UpdateOne], *, ordered: bool) -> Any:
        assert not ordered
        self.counts.append(len(operations))
        raise BulkWriteError(self._answer(len(operations)))

    async def find(self, *_: object) -> AsyncIterator[dict[str, Any]]:
        for one in list[dict[str, Any]]():
            yield one


async def test_a_write_without_a_majority_counts_as_not_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"writeErrors": [], "writeConcernErrors": [{"code": 64}]}
    monkeypatch.setattr(store, "database", {ALERTS: Failing(lambda _: answer)})
    with pytest.raises(StoreAwayError, match="majority"):
        await store.apply([DocumentChange(ALERTS, "7:sos:0.1.17")])


async def test_a_temporary_error_is_retried_once_and_then_reported(store: Store,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    collection = Failing(lambda count: {"writeErrors": [{"index": count - 1, "code": 112}], "nInserted": count - 1})
    monkeypatch.setattr(store, "database", {ALERTS: collection})
    with pytest.raises(StoreAwayError, match="112"):
        await store.apply([DocumentChange(ALERTS, "one"), DocumentChange(ALERTS, "two")])
    assert collection.counts == [2, 1]


async def test_a_write_that_fails_once_is_written_at_the_second_attempt(store: Store,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    class Once(Failing):
        async def bulk_write(self, operations: list[UpdateOne], *, ordered: bool) -> Any:
            if not self.counts:
                await super().bulk_write(operations, ordered=ordered)
            return BulkWriteResult({"nMatched": 0, "nInserted": len(operations), "nUpserted": 0, "nRemoved": 0}, True)

    collection = Once(lambda _: {"writeErrors": [{"index": 0, "code": 112}], "nInserted": 1})
    monkeypatch.setattr(store, "database", {ALERTS: collection})
    await store.apply([DocumentChange(ALERTS, "one"), DocumentChange(ALERTS, "two")])
    assert collection.counts == [2]


async def test_documents_that_cannot_be_encoded_are_found_by_halving_the_batch(store: Store,
                                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """A bulk of a hundred documents, two of which cannot be encoded, takes about thirty attempts, not a hundred."""
    bulks, real = [], bulk.attempt

    async def counted(database: Any, collection: str, operations: Any) -> bulk.Outcome:
        bulks.append(len(operations))
        return await real(database, collection, operations)

    monkeypatch.setattr(bulk, "attempt", counted)
    changes = [DocumentChange(ALERTS, str(number), ALERT) for number in range(100)]
    for bad in (17, 80):
        changes[bad] = DocumentChange(ALERTS, str(bad), {**ALERT, "subject": 1 << 63})
    with pytest.raises(StoreRefusedError) as refused:
        await store.apply(changes)
    assert refused.value.places == {(ALERTS, "17"), (ALERTS, "80")}
    assert len(bulks) < 32
    assert await store.database[ALERTS].count_documents({}) == 98


async def test_a_large_batch_is_written_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = Failing(lambda count: {"writeErrors": [], "nInserted": count})
    monkeypatch.setattr(store, "database", {ALERTS: collection})
    await store.apply([DocumentChange(ALERTS, str(number)) for number in range(2 * AT_ONCE + 1)])
    assert collection.counts == [AT_ONCE, AT_ONCE, 1]


async def test_a_database_that_denies_access_is_reported(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        async def command(self, name: str) -> dict[str, Any]:
            return {name: 1}

        async def list_collections(self) -> None:
            raise OperationFailure("not authorized", 13)

    monkeypatch.setattr(store, "database", Closed())
    with pytest.raises(StoreAwayError, match="not authorized"):
        await store.prepare()


def test_an_embedded_database_that_is_not_installed_is_reported(tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="pip install"):
        embedded_database_command(tmp_path, 1)


@pytest.mark.parametrize(("url", "why"), [("", "a URL such as"), ("localhost:27017", "a URL such as"),
                                          ("mongodb://", "hostname"), ("mongodb://host:99999/anbu", "Port"),
                                          ("mongodb://host/anbu?tls=yes", "tls must be"),
                                          ("mongodb://host/anbu?tls=true&tlsCAFile=/none", "not readable")])
def test_a_wrong_url_is_reported_at_once(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Store(url)


async def test_a_host_name_that_is_not_found_is_a_temporary_error() -> None:
    store = Store("mongodb+srv://anbu.invalid/anbu")
    for _ in range(2):
        with pytest.raises(StoreAwayError):
            await store.apply([DocumentChange(ALERTS, "one")])
    store.close()


async def test_a_database_that_does_not_answer_is_reported() -> None:
    store = Store(f"mongodb://127.0.0.1:{free_port()}/anbu")
    with pytest.raises(StoreAwayError):
        await store.apply([DocumentChange(ALERTS, "one")])
    store.close()


async def test_acknowledged_writes_survive_a_kill_of_the_database(tmp_path: Path) -> None:
    said = [Said("registry", 5, str(subject), {**PROFILE, "subject": subject}) for subject in range(50)]
    with new_database(tmp_path) as service:
        store = Store(f"mongodb://{service.address}/anbu")
        await store.prepare()
        await write(store, said)
        before = await documents(store)
        service.kill()
        with pytest.raises(StoreAwayError):
            await write(store, said)
        service.start()
        await until_it_answers(store)
        assert await documents(store) == before
        await write(store, said)
        assert await documents(store) == before
        store.close()


async def until_it_answers(store: Store) -> None:
    for _ in range(10):
        with suppress(StoreAwayError):  # each attempt waits for seconds itself
            return await store.prepare()
    raise TimeoutError("the database did not start again")
