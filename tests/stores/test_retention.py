"""What is older than the retention is deleted by the database, and is not written again by a replay."""

from datetime import date
from typing import Any

import pytest
from support.expected_history import Said
from support.history import changes, documents, write
from support.journals import DAYS as DATES
from support.said import alert, profile, report

from models.times import parse_time
from stores.collections import ALERTS, BUCKETS, CHECKINS
from stores.days import Day
from stores.mongo import Store
from stores.retention import DAY_S, DEFAULT_DAYS, is_kept, oldest_day, parse_retention

MONDAY = date(2026, 9, 28)
NOW = parse_time("2026-11-24T00:00:00Z", "now")


def checkin(day: str) -> Said:
    return Said("reports", 0, "7", {"type": "checkin", "id": f"{day}:morning#1", "subject": 7, "site": "jongno",
                                    "window": f"{day}:morning", "result": "awake", "previous": None, "repaired": False,
                                    "at": f"{day}T00:00:00Z"})


async def test_a_replay_brings_nothing_back(database_url: str) -> None:
    years_later = NOW + 500 * DAY_S
    store = Store(database_url, DEFAULT_DAYS, lambda: years_later)
    await store.prepare()
    await write(store, [report(7, 1, MONDAY), checkin(DATES[2]), alert(7, 1, f"{DATES[2]}T00:00:00Z"), profile(7)])
    found = await documents(store)
    assert set(found) == {"people", "states", "devices"}, "what is current stays, however old it is"
    await store.database.client.drop_database(store.database.name)
    store.close()


async def test_figures_stay_whose_sources_are_gone(store: Store, database_url: str) -> None:
    await write(store, [checkin(DATES[2])])
    before = (await documents(store))["days"]
    await store.database[CHECKINS].delete_many({})
    later = Store(database_url, DEFAULT_DAYS, lambda: NOW + 420.0 * DAY_S)
    assert await later.recompute([Day(DATES[2], "jongno")], dry_run=False) == []
    assert (await documents(store))["days"] == before
    later.close()
    assert await store.recompute([Day(DATES[2], "jongno")], dry_run=False) == [f"{DATES[2]}/jongno"]
    assert "days" not in await documents(store), "while they are kept, they are what counts"


@pytest.mark.parametrize(("said", "collection", "over"), [
    (report(7, 1, MONDAY), BUCKETS, "2026-10-05T00:00:00Z"),
    (checkin("2026-11-24"), CHECKINS, "2026-11-24T00:00:00Z"),
    (alert(7, 1, "2026-11-24T00:00:00Z"), ALERTS, "2026-11-24T00:00:00Z"),
], ids=["week", "check-in", "alert"])
def test_it_is_over_when_the_time_is(said: Said, collection: str, over: str) -> None:
    [change] = [one for one in changes([said]) if one.collection == collection]
    end: Any = parse_time(over, "over")
    if collection == BUCKETS:
        end = change.happened
    kept = DEFAULT_DAYS[collection] * DAY_S
    assert is_kept(change, DEFAULT_DAYS, end + kept)
    assert not is_kept(change, DEFAULT_DAYS, end + kept + 1)


def test_days_that_can_be_made_anew() -> None:
    assert oldest_day({**DEFAULT_DAYS, ALERTS: 100}, NOW) == "2026-08-23"


@pytest.mark.parametrize("text", ["x=400", "buckets", "buckets=", "buckets=ten", "buckets=3", "buckets=-400"])
def test_what_is_no_retention(text: str) -> None:
    with pytest.raises(ValueError, match="must be such as"):
        parse_retention(text)


def test_a_retention() -> None:
    assert parse_retention("") == DEFAULT_DAYS
    assert parse_retention("buckets=800, audit=40") == {**DEFAULT_DAYS, BUCKETS: 800, "audit": 40}
