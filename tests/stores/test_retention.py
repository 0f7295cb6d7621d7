"""The database deletes documents that are older than the retention, and a replay does not write them again."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from support.database import LOCAL_MONGODB, ON_MONGODB
from support.expected_history import Said
from support.history import changes, documents, write
from support.said import alert, checkin, profile, report

from models.times import DAY, parse_time
from stores.days import Day
from stores.mongo import Store
from stores.projection.collections import ALERTS, BUCKETS, CHECKINS
from stores.retention import DEFAULT_DAYS, LONGEST, SHORTEST, is_kept, oldest_day, parse_retention

MONDAY = date(2026, 9, 28)
DATE = date(2026, 11, 24)
NOW = parse_time("2026-11-24T00:00:00Z", "now")


async def test_a_replay_does_not_restore_expired_documents(database_url: str) -> None:
    years_later = NOW + 500 * DAY
    store = Store(database_url, DEFAULT_DAYS, lambda: years_later)
    await store.prepare()
    await write(store, [report(7, 1, MONDAY), checkin(7, DATE), alert(7, 1, f"{DATE}T00:00:00Z"), profile(7)])
    found = await documents(store)
    assert set(found) == {"people", "states", "devices"}, "what is current stays, however old it is"
    await store.database.client.drop_database(store.database.name)
    store.close()


async def test_figures_stay_when_their_sources_have_expired(store: Store, database_url: str) -> None:
    await write(store, [checkin(7, DATE)])
    before = (await documents(store))["days"]
    await store.database[CHECKINS].delete_many({})
    later = Store(database_url, DEFAULT_DAYS, lambda: NOW + 420.0 * DAY)
    assert await later.recompute([Day(str(DATE), "jongno")], dry_run=False) == []
    assert (await documents(store))["days"] == before
    later.close()
    assert await store.recompute([Day(str(DATE), "jongno")], dry_run=False) == [f"{DATE}/jongno"]
    assert "days" not in await documents(store), "while they are kept, they are what counts"


@pytest.mark.skipif(not ON_MONGODB, reason="the embedded database has no times of deletion")
async def test_a_longer_retention_does_not_recompute_days_with_deleted_sources(database_url: str) -> None:
    """Of 400 days 365 are deleted. `recompute` must not take these for days without records."""
    now = datetime.now(UTC)
    old, new = ((now - timedelta(days=days)).date() for days in (60, 10))
    short = Store(database_url, dict.fromkeys(DEFAULT_DAYS, SHORTEST), lambda: 0.0)  # to whom nothing is too old
    await short.prepare()
    await write(short, [checkin(7, old), checkin(7, new)])
    await short.database[CHECKINS].delete_many({"day": str(old)})  # as the database does in its own time
    before = await documents(short)
    short.close()
    store = Store(database_url)
    await store.prepare()
    days = [Day(str(old), "jongno"), Day(str(new), "jongno")]
    assert await store.recompute(days, dry_run=False) == []
    assert await documents(store) == before
    await store.database[CHECKINS].delete_many({})
    assert await store.recompute(days, dry_run=False) == [f"{new}/jongno"], "of which it should have been there"
    await store.database.client.drop_database(store.database.name)
    store.close()


async def test_the_database_accepts_the_longest_retention(database_url: str) -> None:
    store = Store(database_url, dict.fromkeys(DEFAULT_DAYS, LONGEST))
    await store.prepare()
    await store.database.client.drop_database(store.database.name)
    store.close()


@pytest.mark.skipif(not LOCAL_MONGODB, reason="only of a server of ours, on MongoDB, is the clock of deletion ours")
async def test_the_database_deletes_closed_alerts_and_keeps_open_ones(store: Store, database_url: str) -> None:
    then, today = date(2020, 1, 6), datetime.now(UTC).date()
    writer = Store(database_url, now=lambda: 0.0)  # to whom nothing is too old
    for day in (then, today):
        await write(writer, [report(7, day.year, day), checkin(7, day),
                             alert(7, day.year, f"{day}T00:00:00Z"),
                             alert(8, day.year, f"{day}T00:00:00Z", active=True)])
    writer.close()
    admin = store.database.client.admin
    await admin.command("setParameter", 1, ttlMonitorSleepSecs=1)
    await admin.command("setParameter", 1, ttlMonitorEnabled=True)
    try:
        async with asyncio.timeout(60):
            while sum([await store.database[name].count_documents({}) for name in (BUCKETS, CHECKINS, ALERTS)]) > 5:
                await asyncio.sleep(0.1)
    finally:
        await admin.command("setParameter", 1, ttlMonitorEnabled=False)
    found = await documents(store)
    assert list(found[ALERTS]) == [f"8:sos:0.1.{then.year}", *(f"{who}:sos:0.1.{today.year}" for who in (7, 8))]
    assert list(found[CHECKINS]) == [f"7/{today}:morning"]
    assert len(found[BUCKETS]) == 1


@pytest.mark.parametrize(("said", "collection", "over"), [
    (report(7, 1, MONDAY), BUCKETS, "2026-10-05T00:00:00Z"),
    (checkin(7, DATE), CHECKINS, "2026-11-24T00:00:00Z"),
    (alert(7, 1, "2026-11-24T00:00:00Z"), ALERTS, "2026-11-24T00:00:00Z"),
], ids=["week", "check-in", "alert"])
def test_a_document_expires_after_its_retention(said: Said, collection: str, over: str) -> None:
    [change] = [one for one in changes([said]) if one.collection == collection]
    end: Any = parse_time(over, "over")
    if collection == BUCKETS:
        end = change.happened
    kept = DEFAULT_DAYS[collection] * DAY
    assert is_kept(change, DEFAULT_DAYS, end + kept)
    assert not is_kept(change, DEFAULT_DAYS, end + kept + 1)


def test_the_oldest_day_that_can_be_recomputed() -> None:
    assert oldest_day({**DEFAULT_DAYS, ALERTS: 100}, NOW) == "2026-08-23"
    assert oldest_day({**DEFAULT_DAYS, "days": 50}, NOW) == "2026-10-06", "the database would delete them at once"


@pytest.mark.parametrize("text", ["x=400", "buckets", "buckets=", "buckets=ten", "buckets=3", "buckets=-400",
                                  "buckets=24856"])
def test_a_wrong_retention_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be such as"):
        parse_retention(text)


def test_a_retention_is_read_from_its_setting() -> None:
    assert parse_retention("") == DEFAULT_DAYS
    assert parse_retention("buckets=24855")[BUCKETS] == 24_855
    assert parse_retention("buckets=800, audit=40") == {**DEFAULT_DAYS, BUCKETS: 800, "audit": 40}
