"""A change applies to the document as it is at the write, also if another writer was faster."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS
from support.database import ON_MONGODB
from support.expected_history import Said, expected
from support.history import changes, documents, write
from support.said import MONDAY, report

from stores import bulk
from stores.changing import ETAG, etag_of
from stores.errors import StoreAwayError, StoreRefusedError
from stores.mongo import Store
from stores.projection.collections import BUCKETS, DEVICES, STATES

WEEK = [report(7, number, MONDAY + timedelta(days=number)) for number in range(7)]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Awaitable[Any]]], None]:
    """Do something before each bulk, after the documents were read."""
    real = bulk.attempt

    def begin(work: Callable[[], Awaitable[Any]]) -> None:
        async def overtaken(database: Any, collection: str, operations: Any) -> bulk.Outcome:
            monkeypatch.setattr(bulk, "attempt", real)
            await work()
            monkeypatch.setattr(bulk, "attempt", overtaken)
            return await real(database, collection, operations)

        monkeypatch.setattr(bulk, "attempt", overtaken)

    return begin


async def etags(store: Store) -> dict[str, str]:
    return {f"{name}/{one['_id']}": one[ETAG] for name in (BUCKETS, STATES, DEVICES)
            async for one in store.database[name].find()}


async def test_the_etag_depends_on_the_content_of_a_document_alone(store: Store) -> None:
    await write(store, WEEK)
    before = await etags(store)
    for name in (BUCKETS, STATES, DEVICES):
        async for one in store.database[name].find():
            assert one[ETAG] == etag_of(one)
        await store.database[name].delete_many({})
    for said in reversed(WEEK):
        await write(store, [said])
    assert await etags(store) == before


@pytest.mark.parametrize("there", [[], WEEK[:2]], ids=["new", "there"])
async def test_writers_of_one_document_lose_no_change(store: Store,
                                                      meanwhile: Callable[[Callable[[], Awaitable[Any]]], None],
                                                      there: list[Said]) -> None:
    """Before each bulk, another writer has created or changed its documents."""
    await write(store, there)
    others = iter(WEEK[3:6])

    async def other() -> None:
        if (said := next(others, None)) is not None:
            await store.apply(changes([said]))

    meanwhile(other)
    await store.apply(changes(WEEK[:3]))
    assert next(others, None) is None
    found, right = await documents(store), expected(WEEK[:6])
    assert {name: found[name] for name in (BUCKETS, STATES, DEVICES)} == {
        name: right[name] for name in (BUCKETS, STATES, DEVICES)}


async def test_a_document_that_was_deleted_during_a_write_is_written_whole(
        store: Store, meanwhile: Callable[[Callable[[], Awaitable[Any]]], None]) -> None:
    """A write of the changed half alone would leave a document that no reader can use."""
    await write(store, WEEK[:3])
    once = iter([store.database[BUCKETS]])

    async def delete() -> None:
        for buckets in once:
            await buckets.delete_many({})

    meanwhile(delete)
    await store.apply(changes(WEEK[3:4]))
    assert (await documents(store))[BUCKETS] == expected(WEEK[3:4])[BUCKETS]


async def test_a_writer_that_is_always_overtaken_waits(
        store: Store, meanwhile: Callable[[Callable[[], Awaitable[Any]]], None]) -> None:
    await write(store, WEEK[:3])
    count = itertools.count()
    meanwhile(lambda: store.database[STATES].update_one({"_id": "7"}, {"$set": {ETAG: str(next(count))}}))
    with pytest.raises(StoreAwayError, match="other writers keep changing"):
        await store.apply(changes(WEEK[3:4]))


async def test_a_document_that_exists_already_is_written_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that died before the acknowledgement may have left a document on one member of the majority only."""
    await write(store, WEEK)
    counts: dict[str, int] = {}
    real = bulk.attempt

    async def counted(database: Any, collection: str, operations: Any) -> bulk.Outcome:
        counts[collection] = len(operations)
        return await real(database, collection, operations)

    monkeypatch.setattr(bulk, "attempt", counted)
    await store.apply(changes(WEEK))
    assert counts == {BUCKETS: 2, STATES: 1, DEVICES: 1}


async def test_a_change_that_cannot_be_applied_is_refused_and_the_rest_is_written(store: Store) -> None:
    """The counter is too large for the database, and one document was broken by hand."""
    await write(store, [report(8, 1, MONDAY), report(9, 1, MONDAY)])
    await store.database[STATES].update_one({"_id": "8"}, {"$set": {"mornings": {"2026-09-28": {"ver": "x"}}}})
    said = [report(7, 10**30, MONDAY), report(8, 2, MONDAY), report(9, 2, MONDAY)]
    with pytest.raises(StoreRefusedError) as refused:
        await store.apply(changes(said))
    assert refused.value.places == {(STATES, "7"), (DEVICES, "7/0"), (STATES, "8")}
    assert (await documents(store))["states"]["9"]["report"]["id"] == "0.1.2"


@pytest.mark.skipif(not ON_MONGODB, reason="the embedded database takes no such date")
async def test_an_unreadable_document_does_not_stop_writes_of_other_people(store: Store) -> None:
    """One week of many has a date that the driver cannot read."""
    await write(store, WEEK[:3])
    await store.database[BUCKETS].update_one({"_id": "7/2026-W40"}, {"$set": {"dated": DatetimeMS(10**15)}})
    with pytest.raises(StoreRefusedError, match="cannot be read") as refused:
        await store.apply(changes([WEEK[3], *(report(subject, 1, MONDAY) for subject in range(20, 40))]))
    assert refused.value.places == {(BUCKETS, "7/2026-W40")}
    assert await store.database[BUCKETS].count_documents({"subject": {"$ne": 7}}) == 20
