"""The questions to the history have right answers, in pages, and each is served by an index."""

from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from itertools import starmap
from typing import Any

import pytest
from support.history import write
from support.query_plans import served_by_an_index
from support.said import MONDAY, alert, checkin, eight_weeks, outage, profile, report

from local.embedded import free_port
from stores.errors import StoreAwayError
from stores.mongo import Store
from stores.pages import CursorError, Page, cursor_of
from stores.questions import Questions


@pytest.fixture
async def questions(database_url: str) -> AsyncIterator[Questions]:
    one = Questions(database_url)
    yield one
    one.close()


async def test_later_mornings_and_failing_devices_are_found(store: Store, questions: Questions) -> None:
    await write(store, eight_weeks())
    assert await questions.later("jongno") == [
        {"subject": 7, "woke": "06:30", "woke_before": "06:00", "later_min": 30, "of_mornings": 28}]
    assert await questions.later("jongno", 31) == await questions.later("mapo") == []
    found = await questions.wake_up(7)
    assert found is not None
    assert (found["later_min"], len(found["mornings"]), found["mornings"][0]) == (
        30, 56, {"date": "2026-11-22", "woke": "06:30"})
    failing = await questions.failing("jongno")
    assert [(one["subject"], one["battery_pct"], one["battery_a_week"], one["days_left"]) for one in failing] == [
        (10, 12, None, None)], "35 days are left of 7's; who is gone or retired needs no new battery"
    await write(store, [report(7, 56 + number, MONDAY + timedelta(days=56 + number), battery_pct=35 - 2 * number)
                        for number in range(15)])
    failing = await questions.failing("jongno")
    assert [(one["subject"], one["battery_pct"], one["days_left"]) for one in failing] == [(10, 12, None), (7, 7, 4)]
    state = await questions.state(7)
    assert state is not None
    assert (state["site"], state["devices"][0]["battery_pct"], state["report"]["id"]) == ("jongno", 7, "0.1.70")
    assert await questions.state(99) is None
    assert await questions.wake_up(99) is None


async def test_one_early_morning_does_not_make_later_mornings(store: Store, questions: Questions) -> None:
    """The person is known for 29 days, or for 35."""
    for mornings, drifting in ((29, []), (35, [7])):
        await write(store, [profile(7), *(report(7, number, MONDAY + timedelta(days=number), first_activity=(
            "05:30" if number < mornings - 28 else "06:30")) for number in range(mornings))])
        assert [one["subject"] for one in await questions.later("jongno")] == drifting


async def test_a_device_that_was_given_back_is_not_listed_as_failing(store: Store, questions: Questions) -> None:
    for slots, failing in (((0, 1), {0, 1}), ((0, 2), {0})):
        await write(store, [profile(7, *slots)._replace(offset=slots[1]),
                            *(report(7, 1, MONDAY, id=f"{slot}.1.1", battery_pct=5) for slot in (0, 1))])
        assert {one["slot"] for one in await questions.failing("jongno")} == failing


async def test_a_person_who_moved_is_listed_at_the_new_site_only(store: Store, questions: Questions) -> None:
    """A silent device never reports the new site. A person who moved back belongs to the first site again."""
    await write(store, [*eight_weeks(), profile(7, site="mapo")._replace(offset=100),
                        profile(8, site="mapo")._replace(offset=100), profile(8)._replace(offset=101),
                        profile(10, site="mapo")._replace(offset=100)])
    assert await questions.later("jongno") == await questions.failing("jongno") == []
    assert [one["subject"] for one in await questions.later("mapo")] == [7]
    assert [one["subject"] for one in await questions.failing("mapo")] == [10]


async def test_the_trend_of_a_new_device_ignores_the_device_before(store: Store, questions: Questions) -> None:
    """The battery of the former device was full. The lower value of the new device is no fall."""
    said = [report(7, number, MONDAY + timedelta(days=number), id=f"0.{1 + number // 8}.{number}",
                   battery_pct=100 if number < 8 else 60, signal_dbm=-70 if number < 8 else -90)
            for number in range(16)]
    await write(store, [profile(7), *said])
    assert await questions.failing("jongno") == []
    state = await questions.state(7)
    assert state is not None
    [device] = state["devices"]
    assert (device["battery_pct"], device["battery_a_week"], device["signal_a_week"], device["days_left"]) == (
        60, 0.0, 0.0, None)


async def test_a_person_without_a_report_is_known(store: Store, questions: Questions) -> None:
    await write(store, [profile(7)])
    assert await questions.wake_up(7) == {"subject": 7, "woke": None, "woke_before": None, "later_min": None,
                                          "of_mornings": 0, "mornings": []}
    assert await questions.weeks(7, None, 10) == Page([], None)
    assert await questions.weeks(99, None, 10) is None


async def test_the_day_of_a_move_to_another_site_counts_once(store: Store, questions: Questions) -> None:
    """A person who moves at noon has reports of the same morning at two sites."""
    mornings = [("06:00", "jongno", "morning", 1), ("06:00", "mapo", "afternoon", 1), ("07:00", "mapo", "morning", 2),
                ("08:00", "mapo", "morning", 3)]
    await write(store, [report(7, counter, MONDAY + timedelta(days=day), first_activity=woke, site=site,
                               window=f"{MONDAY + timedelta(days=day)}:{half}")
                        for counter, (woke, site, half, day) in enumerate(mornings)])
    page = await questions.weeks(7, None, 1)
    assert page is not None
    assert page.rows[0]["woke"] == "07:00"


async def whole(ask: Callable[[str | None], Any]) -> list[dict[str, Any]]:
    rows, cursor = [], None
    for _ in range(20):
        page: Page = await ask(cursor)
        rows += page.rows
        if (cursor := page.cursor) is None:
            return rows
    raise AssertionError("without end")


async def test_weeks_come_in_pages(store: Store, questions: Questions) -> None:
    await write(store, eight_weeks())
    weeks = await whole(lambda cursor: questions.weeks(7, cursor, 3))
    assert [one["week"] for one in weeks] == sorted({one["week"] for one in weeks}, reverse=True)
    assert len(weeks) == 9, "a Monday's morning in Seoul is still Sunday in UTC"
    assert sum(one["reports"] for one in weeks) == 56
    assert weeks[1]["woke"] == "06:30"


@pytest.mark.parametrize("limit", [1, 4])
async def test_weeks_without_a_report_are_listed(store: Store, questions: Questions, limit: int) -> None:
    """A person has sent no report for five weeks. A caseworker must see these weeks."""
    silent = [MONDAY + timedelta(days=7 * number + 2) for number in (1, 2, 3, 4, 5, 7)]
    await write(store, [*(report(7, number, MONDAY + timedelta(days=7 * number + 1)) for number in (0, 1, 6)),
                        *(checkin(7, day, "silent") for day in silent), checkin(8, MONDAY, "awake")])
    weeks = await whole(lambda cursor: questions.weeks(7, cursor, limit))
    assert [(one["week"], one["reports"], list(one["results"].values())) for one in weeks] == [
        ("2026-W47", 0, ["silent"]), ("2026-W46", 1, []), *((f"2026-W{number}", 0, ["silent"]) for number in
                                                            (45, 44, 43, 42)),
        ("2026-W41", 1, ["silent"]), ("2026-W40", 1, [])]
    assert (weeks[0]["last"], weeks[0]["late"], weeks[0]["woke"]) == (None, 0, None)


@pytest.mark.parametrize("limit", [1, 2, 5, 50])
async def test_alerts_come_in_pages_without_gap_or_repetition(store: Store, questions: Questions, limit: int) -> None:
    """Many alerts open in the same second, as at a deadline."""
    said = [alert(subject, number, f"2026-11-24T00:30:0{number % 2}Z", active=number == 0)
            for subject in (7, 8) for number in range(5)]
    await write(store, [*said, alert(7, 9, "2026-11-25T00:00:00Z", "low_battery")])

    async def ids(limit: int, **where: Any) -> list[str]:
        rows = await whole(lambda cursor: questions.alerts(where, None, None, cursor, limit))
        return [one["alert"] for one in rows]

    everything = await ids(100)
    assert len(everything) == len(set(everything)) == 11
    assert await ids(limit) == everything
    assert await ids(limit, kind="low_battery") == ["7:low_battery:0.1.9"] == everything[:1]
    assert len(await ids(limit, subject=7)) == 6
    assert len(await ids(limit, site="jongno", active=True)) == 2
    page = await questions.alerts({}, "2026-11-24T00:30:01Z", "2026-11-25T00:00:00Z", None, 100)
    assert {one["opened_at"] for one in page.rows} == {"2026-11-24T00:30:01Z"}


async def test_outages_are_found_by_their_kind(store: Store, questions: Questions) -> None:
    """An outage is listed once for each lane, for every site, and not among the alerts of a person."""
    said = [outage(lane, day, active=day == 25) for day in (24, 25) for lane in (0, 1)]
    await write(store, [*said, alert(7, 1, "2026-11-24T00:30:00Z")])

    async def asked(**where: Any) -> list[tuple[str, str, int, bool]]:
        rows = await whole(lambda cursor: questions.alerts({"kind": "gateway_outage", **where}, None, None, cursor, 1))
        return [(one["opened_at"][:10], one["gateway"], one["lane"], one["active"]) for one in rows]

    assert await asked(site="mapo") == [("2026-11-25", "seoul-1", 1, True), ("2026-11-25", "seoul-1", 0, True),
                                        ("2026-11-24", "seoul-1", 1, False), ("2026-11-24", "seoul-1", 0, False)]
    assert await asked(active=True) == (await asked())[:2]
    assert await asked(subject=7) == []


@pytest.mark.parametrize("today", [date(2026, 11, 24), date(2026, 10, 1), date(2030, 1, 1)])
@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_the_part_of_the_database_that_is_read_first_does_not_change_the_answer(
        store: Store, database_url: str, limit: int, today: date, request: pytest.FixtureRequest) -> None:
    """Weeks and alerts have gaps of months. The question comes before, in the middle of, and long after them."""
    weeks = [MONDAY - timedelta(days=7 * number) for number in (0, 1, 2, 9, 30, 31, 40)]
    await write(store, [one for number, day in enumerate(weeks) for one in (
        report(7, number, day + timedelta(days=1)),
        alert(7, number, f"{day}T00:00:00Z"), alert(8, number, f"{day}T00:00:01Z"))])
    questions = Questions(database_url, lambda: today)
    request.addfinalizer(questions.close)
    found = await whole(lambda cursor: questions.weeks(7, cursor, limit))
    assert [date.fromisocalendar(int(one["week"][:4]), int(one["week"][6:]), 1) for one in found] == weeks
    for where, count in (({}, 14), ({"subject": 8}, 7), ({"kind": "fire"}, 0)):
        rows = await whole(lambda cursor, where=where: questions.alerts(where, None, None, cursor, limit))  # type: ignore[misc]
        assert [one["opened_at"] for one in rows] == sorted((one["opened_at"] for one in rows), reverse=True)
        assert len(rows) == len({one["alert"] for one in rows}) == count
    first, last = f"{weeks[5]}T00:00:00Z", f"{weeks[2]}T00:00:00Z"
    rows = await whole(lambda cursor: questions.alerts({}, first, last, cursor, limit))
    assert [one["opened_at"] for one in rows if one["subject"] == 7] == [f"{weeks[number]}T00:00:00Z"
                                                                        for number in (3, 4, 5)]


@pytest.mark.parametrize("cursor", ["", "x", "WzFd", "W10", "bnVsbA", "가", *starmap(cursor_of, [
    ("x",), ("x", "x"), ("2026-W99",), ("0001-W01",), ("0001-01-01T00:00:00Z", "x")])])
async def test_a_cursor_of_another_person_is_refused(questions: Questions, cursor: str) -> None:
    with pytest.raises(CursorError):
        await questions.alerts({}, None, None, cursor, 10)
    with pytest.raises(CursorError):
        await questions.weeks(7, cursor, 10)


async def test_the_figures_of_a_site_are_given_by_day_week_and_month(store: Store, questions: Questions) -> None:
    await write(store, eight_weeks())
    asked = ("jongno", date(2026, 10, 1), date(2026, 10, 31))
    days = await questions.figures(*asked, "day")
    assert [one["period"] for one in days] == [f"2026-10-{day:02d}" for day in range(1, 32)]
    assert (days[0]["sms"], days[0]["sms_late"], days[0]["late_share"], days[0]["woke"]) == (4, 0, 0.0, "06:00")
    [month] = await questions.figures(*asked, "month")
    assert (month["period"], month["days"], month["sms"]) == ("2026-10", 31, 124)
    weeks = await questions.figures(*asked, "week")
    assert [one["period"] for one in weeks] == [f"2026-W{number}" for number in range(40, 45)]
    assert sum(one["days"] for one in weeks) == 31


QUESTIONS: dict[str, Callable[[Questions], Any]] = {
    "state": lambda one: one.state(7),
    "weeks": lambda one: one.weeks(7, None, 3),
    "wake-up": lambda one: one.wake_up(7),
    "later": lambda one: one.later("jongno"),
    "failing": lambda one: one.failing("jongno"),
    "figures": lambda one: one.figures("jongno", date(2026, 10, 1), date(2026, 10, 31), "day"),
    "alerts": lambda one: one.alerts({}, "2026-11-24T00:30:01Z", None, None, 10),
    "alerts of a site": lambda one: one.alerts({"site": "jongno"}, None, None, None, 10),
    "alerts of a person": lambda one: one.alerts({"subject": 7}, None, None, None, 10),
    "outages": lambda one: one.alerts({"kind": "gateway_outage"}, None, None, None, 10),
    "alerts of a kind": lambda one: one.alerts({"kind": "sos"}, None, None, None, 10),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_every_question_is_served_by_an_index(store: Store, database_url: str, name: str) -> None:
    await write(store, [*eight_weeks(), profile(12, site="mapo"), profile(12)._replace(offset=100)])
    await write(store, [alert(7, number, "2026-11-24T00:30:01Z") for number in range(3)])
    await served_by_an_index(store, lambda: Questions(database_url), QUESTIONS[name])


async def test_a_database_that_does_not_answer_is_reported() -> None:
    questions = Questions(f"mongodb://127.0.0.1:{free_port()}/anbu")
    with pytest.raises(StoreAwayError):
        await questions.later("jongno")
    questions.close()
