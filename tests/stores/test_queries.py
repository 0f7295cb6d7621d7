"""The queries of the page: they return only the needed fields, in the order of the page, by an index."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from support.database import ON_MONGODB
from support.expected_history import Said
from support.history import said_of, write
from support.query_plans import served_by_an_index
from support.vectors import VECTORS, key_ring, read_lines, replay

from stores.mongo import Store
from stores.queries import Queries, timeline

DAY = "2026-11-24"


async def scenario(store: Store, name: str) -> None:
    lines = read_lines(VECTORS / "scenarios" / f"{name}.in.jsonl")
    await write(store, said_of(lines, replay(lines, key_ring())))


@pytest.fixture
async def queries(database_url: str) -> AsyncIterator[Queries]:
    one = Queries(database_url)
    yield one
    one.close()


async def test_people_without_a_profile_are_not_listed(store: Store, queries: Queries) -> None:
    await scenario(store, "excuse")
    await store.set_contact(7, {"name": "Kim", "telephone": "+8210"})
    await store.set_contact(99, {"name": "not registered yet"})
    people = await queries.people("jongno")
    assert [one["subject"] for one in people] == [7, 8]
    assert people[0]["contact"] == {"name": "Kim", "telephone": "+8210"}
    assert [excuse["type"] for excuse in people[0]["excuses"].values()] == ["excuse", "unexcuse"]
    assert people[1]["profile"]["excused"] == [{"from": DAY, "to": DAY, "reason": "travel"}]
    assert await queries.people("mapo") == []


async def test_the_board_gets_the_alerts_that_are_open(store: Store, queries: Queries) -> None:
    await scenario(store, "gateway_outage")
    everything = [one async for one in store.database["alerts"].find()]
    assert {one["_id"] for one in await queries.open_alerts("jongno")} == {
        one["_id"] for one in everything if one["active"]}
    assert await queries.open_alerts("mapo") == []


async def test_every_site_sees_an_open_incident(store: Store, queries: Queries) -> None:
    lines = read_lines(VECTORS / "scenarios" / "gateway_outage.in.jsonl")
    outputs = [line for line in replay(lines, key_ring()) if line["key"] == "seoul-1"]
    await write(store, said_of([], outputs[:1]))
    [incident] = await queries.open_alerts("mapo")
    assert (incident["_id"], incident["gateway"], incident["lane"]) == (f"0/{incident['alert']}", "seoul-1", 0)
    await write(store, said_of([], outputs))
    assert await queries.open_alerts("mapo") == []


async def test_the_page_of_a_person_gets_profile_state_and_reports(store: Store, queries: Queries) -> None:
    await scenario(store, "device_alerts")
    found = await queries.person(7)
    assert found["person"]["profile"]["site"] == "jongno"
    received = [one["received_at"] for one in found["reports"]]
    assert len(received) > 2
    assert received == sorted(received, reverse=True)
    assert found["state"]["report"]["id"] == found["reports"][0]["id"]
    assert found["state"]["windows"]["morning"]["result"] == "awake"
    [device] = found["devices"]
    assert {one["k"]: one["v"] for one in device["attrs"]}["battery_pct"] == found["reports"][0]["battery_pct"]
    opened = [one["opened_at"] for one in found["alerts"]]
    assert opened == sorted(opened, reverse=True)
    nobody = await queries.person(8)
    assert (nobody["person"], nobody["state"], nobody["reports"]) == (None, None, [])


async def test_a_report_that_came_again_in_another_week_is_shown_once(store: Store, queries: Queries) -> None:
    """The clock of the device is unknown, so the second SMS falls into the week of its arrival."""
    def report(received: str, *, late: bool) -> Said:
        nothing = dict.fromkeys(["device_time", "window", "result", "battery_pct", "signal_dbm", "temp_c",
                                 "humidity_pct", "idle_min", "first_activity", "activity"])
        return Said("reports", 0, "7", {**nothing, "type": "report", "id": "0.1.1", "subject": 7, "site": "jongno",
                                        "received_at": received, "late": late, "flags": [], "attrs": [],
                                        "sms": {"id": "m", "gateway": "g"}})

    await write(store, [report("2026-12-24T00:00:00Z", late=True), report("2026-11-24T00:00:00Z", late=False)])
    found = await queries.person(7)
    assert [(one["received_at"], one["late"]) for one in found["reports"]] == [("2026-11-24T00:00:00Z", False)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_report_in_two_weeks_is_shown_by_its_higher_version(order: tuple[int, int]) -> None:
    reports: list[dict[str, Any]] = [{"id": "0.1.1", "received_at": "2026-11-24T00:00:00Z", "ver": [1, -5, "m"]},
                                     {"id": "0.1.1", "received_at": "2026-12-24T00:00:00Z", "ver": [0, -9, "m"]}]
    assert timeline([{"reports": {"0-1-1": reports[number]}} for number in order]) == [reports[0]]


QUESTIONS: dict[str, Callable[[Queries], Awaitable[Any]]] = {
    "people": lambda one: one.people("jongno"),
    "all people": lambda one: one.people(),
    "open alerts": lambda one: one.open_alerts("jongno"),
    "all open alerts": lambda one: one.open_alerts(),
    "check-ins": lambda one: one.checkins_of_day(DAY),
    "person": lambda one: one.person(7),
    "undelivered": lambda one: one.undelivered(f"{DAY}T00:00:00Z"),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_every_question_is_served_by_an_index(store: Store, database_url: str, name: str) -> None:
    if name == "undelivered" and not ON_MONGODB:
        pytest.skip("the embedded database looks through all where there is an `$or`")
    await scenario(store, "device_alerts")
    await served_by_an_index(store, lambda: Queries(database_url), QUESTIONS[name])
