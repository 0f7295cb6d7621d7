"""What the board counts and how it orders, as tables of labelled cases."""

from typing import Any

import pytest
from support.page import MORNING, NOW, checkin, event, person

from models.times import format_time
from models.window import Window
from web import board
from web.alerts import AlertOnPage, alert_of_event
from web.checkins import CheckIn, PersonCard, checkin_of, person_of

WINDOW = Window.parse(MORNING)
AFTERNOON = WINDOW + 1
SIX, NINE_THIRTY, ONE = NOW - 13_200, NOW - 600, NOW + 12_000  # 06:00, 09:30 and 13:00 in Seoul


def alerts(*events: dict[str, Any]) -> list[AlertOnPage]:
    return [alert_of_event(one) for one in events]


def people(*documents: dict[str, Any]) -> dict[int, PersonCard]:
    found = [person_of(one["profile"], one.get("contact") or {}) for one in documents]
    return {one.subject: one for one in found}


def results(*documents: dict[str, Any]) -> dict[int, CheckIn]:
    return {one.subject: one for one in map(checkin_of, documents)}


def test_the_most_urgent_is_first() -> None:
    cases = [
        event(1, "sos", at=NOW - 60),
        event(2, "fall", at=NOW - 30),
        event(3, "brand_new", at=NOW - 20, severity="unheard of"),
        event(4, "gas", at=NOW - 900, acknowledged_by="kim"),
        event(5, "no_report", at=NOW - 7200, severity="warning"),
        event(6, "not_awake", at=NOW - 9000, severity="warning", acknowledged_by="kim"),
    ]
    found = board.sections(reversed(alerts(*cases)), None, NOW)
    assert [one.subject for one in found.urgent] == [1, 2, 3, 4, 5, 6]
    assert board.in_need(found.urgent) == 6


def test_each_alert_is_in_the_section_of_its_next_action() -> None:
    found = board.sections(alerts(
        event(1, "sos"),
        event(1, "fall"),
        event(2, "no_report", change="held", severity="warning"),
        event(3, "low_battery", severity="maintenance"),
        event(4, "sos", change="cleared", at=NOW - 50),
        event(5, "sos", change="cleared", at=NOW - 500),
        event("seoul-1", "gateway_outage", lane=0),
        event("busan-1", "gateway_outage", lane=0, change="cleared"),
    ), None, NOW - 100)
    parts = (found.urgent, found.held, found.devices, found.ended)
    kinds = [[(one.subject, one.kind) for one in part] for part in parts]
    assert kinds == [[(1, "fall"), (1, "sos")], [(2, "no_report")], [(3, "low_battery")], [(4, "sos")]]
    assert [one.gateway for one in found.outages] == ["seoul-1"]
    assert board.in_need(found.urgent) == 1


def test_a_centre_sees_its_own_people_and_every_outage() -> None:
    everywhere = alerts(event(1, "sos"), event(2, "sos", site="mapo"), event("seoul-1", "gateway_outage", lane=1))
    found = board.sections(everywhere, "mapo", NOW)
    assert [one.subject for one in found.urgent] == [2]
    assert len(found.outages) == 1


def test_an_outage_is_open_while_it_is_open_in_any_lane() -> None:
    same, other = {"ko": "조용", "en": "quiet"}, {"ko": "무응답", "en": "silent"}
    found = board.sections(alerts(
        event("seoul-1", "gateway_outage", lane=0, change="cleared", revision=2),
        event("seoul-1", "gateway_outage", lane=1, at=NOW - 60, why=same),
        event("seoul-1", "gateway_outage", lane=2, at=NOW - 90, why=same),
        event("seoul-1", "gateway_outage", lane=3, at=NOW, why=other, reference="last:x"),
    ), None, NOW)
    [outage] = found.outages
    assert outage[:3] == ("seoul-1", NOW - 90, (same, other))
    assert outage.incident.key.lane == 2


def test_the_buttons_of_an_outage_are_for_the_incident_that_no_caseworker_has() -> None:
    found = board.sections(alerts(
        event("seoul-1", "gateway_outage", lane=0, at=NOW - 90, acknowledged_by="kim"),
        event("seoul-1", "gateway_outage", lane=1, at=NOW, reference="last:x")), None, NOW)
    assert found.outages[0].incident.key.lane == 1


ROWS = [
    ("nobody heard yet", NOW - 3600, None, [(1, "waiting")]),
    ("the window has not begun", SIX - 60, None, [(1, "upcoming")]),
    ("checked in", NOW, checkin(1, "awake"), [(1, "awake")]),
    ("known by a check-in alone", NOW, checkin(9, "silent"), [(9, "silent"), (1, "waiting")]),
    ("a result of a newer worker is seen first", NOW, checkin(9, "dozing"), [(9, "dozing"), (1, "waiting")]),
]


@pytest.mark.parametrize(("now", "document", "expected"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS])
def test_the_result_that_a_row_shows(now: int, document: dict[str, Any] | None,
                                     expected: list[tuple[int, str]]) -> None:
    known = people(person(1, "김영자"))
    found = board.rows(known, results(*[document] if document else []), WINDOW, now, None)
    assert [(row.subject, row.result) for row in found] == expected


def test_only_people_with_the_window_are_expected() -> None:
    known = people(
        person(1),
        person(2, windows={"afternoon": {"open": "13:00", "close": "15:00"}}),
        person(3, retired=True),
        person(4, since=format_time(SIX + 1)),
        person(5, site="mapo"),
    )
    assert [row.subject for row in board.rows(known, {}, WINDOW, NOW, "jongno")] == [1]
    assert [row.subject for row in board.rows(known, {}, AFTERNOON, NOW, None)] == [1, 2, 4, 5]


def test_people_are_listed_by_name_and_the_nameless_last() -> None:
    known = people(person(1), person(2, "한말순"), person(3, "강순옥"))
    assert [row.subject for row in board.rows(known, {}, WINDOW, NOW, None)] == [3, 2, 1]


def test_a_tally_counts_people() -> None:
    found = ["awake", "awake", "out", "not_awake", "silent", "excused"]
    known = people(*(person(number) for number in range(1, 8)))
    rows = board.rows(known, results(*(checkin(n, one) for n, one in enumerate(found, 1))), WINDOW, NOW, None)
    tally = board.tally(rows)
    assert (tally.checked_in, tally.missing, tally.excused) == (3, 3, 1)
    assert (tally.opens, tally.closes) == (SIX, NINE_THIRTY)
    assert board.tally([]) == board.Tally({}, None, None)


@pytest.mark.parametrize(("now", "expected"),
                         [(SIX - 3600, WINDOW), (NOW, WINDOW), (ONE - 1, WINDOW), (ONE, AFTERNOON)])
def test_the_afternoon_begins_when_it_opens_for_anybody(now: int, expected: int) -> None:
    assert board.current_window(people(person(1), person(2, windows={})).values(), now) == expected


def test_the_page_is_in_the_zone_of_most_people() -> None:
    known = people(person(1, tz="Asia/Tokyo"), person(2, tz="Europe/Berlin"), person(3, tz="Europe/Berlin"))
    assert board.page_zone(known.values()) == "Europe/Berlin"
    assert board.page_zone([]) == "Asia/Seoul"


WATCHES: list[tuple[str, dict[int, float], int, float, str]] = [
    ("just started", {}, 0, 10, "starting"),
    ("no broker for two minutes", {}, 0, 120, "unwatched"),
    ("one lane has not reported yet", {0: 100}, 2, 100, "starting"),
    ("all have reported", {0: 100, 1: 95}, 2, 105, "watched"),
    ("three reports of one lane are missing", {0: 100, 1: 70}, 2, 100, "quiet"),
    ("one lane is gone", {0: 200, 1: 80}, 2, 200, "partly"),
    ("one lane never reported", {0: 125}, 2, 125, "partly"),
    ("all are gone", {0: 80, 1: 70}, 2, 200, "unwatched"),
    ("they were gone before the page started", {0: -9000.0, 1: -9000.0}, 2, 1, "unwatched"),
]


@pytest.mark.parametrize(("seen", "lanes", "now", "expected"), [case[1:] for case in WATCHES],
                         ids=[case[0] for case in WATCHES])
def test_a_lane_without_progress_counts_as_not_watched(seen: dict[int, float], lanes: int, now: float,
                                                       expected: str) -> None:
    assert board.watch_state(seen, lanes, 0, now) == expected


def test_a_gateway_whose_clock_is_ahead_is_named_by_its_latest_time() -> None:
    just_right = 1000 + board.AHEAD_S
    assert board.ahead([{"b": just_right + 1, "a": just_right}, {"b": just_right + 9, "a": 5}, {}], 1000) == {
        "b": just_right + 9}


def test_judged_until_is_that_of_the_slowest_lane() -> None:
    assert board.judged_until([{"b": 7, "a": 5}, {"a": 3}, {}]) == {"a": 3, "b": 7}
