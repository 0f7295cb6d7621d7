"""The score finds alerts that are removed, invented, too late or too early, and ignores those that none could know."""

from typing import Any

import orjson
import pytest
from support.vectors import replay

from cli.simulate import lines
from models.times import format_time, parse_time
from models.wire.keys import KeyRing, parse_keks
from simulator.fleet import SCENARIOS, Fleet
from simulator.score import score
from simulator.truth import Emergency, ExpectedAlert, Truth, read_truth

NOW = parse_time("2026-11-24T00:30:00Z", "now")
WINDOW = "2026-11-24:morning"
TRUTH = Truth(
    dues=(ExpectedAlert(1, "no_report", WINDOW, NOW), ExpectedAlert(2, "not_awake", WINDOW, NOW),
          ExpectedAlert(3, "sos", None, NOW), ExpectedAlert("seoul-1", "gateway_outage", None, NOW)),
    emergencies=(Emergency(3, "sos", NOW - 3600), Emergency(4, "fire", NOW)))


def event(subject: int | str, kind: str, at: int = NOW, *, window: str | None = None, change: str = "opened",
          reference: str | None = None) -> dict[str, Any]:
    reference = reference or window or "0.1.17"
    return {"subject": str(subject), "time": format_time(at), "data": {
        "alert": f"{subject}:{kind}:{reference}", "kind": kind, "window": window, "change": change}}


RIGHT = [event(1, "no_report", window=WINDOW), event(2, "not_awake", window=WINDOW), event(3, "sos"),
         event("seoul-1", "gateway_outage", reference="2026-11-24T00:30:00Z")]


def figures(truth: Truth, alerts: list[dict[str, Any]]) -> tuple[int, int, list[str]]:
    found = score(truth, alerts)
    assert found.perfect == (not found.missed and not found.false)
    return len(found.missed), len(found.overdue), found.false


def test_right_alerts_are_perfect_in_any_order_and_repeated() -> None:
    assert figures(TRUTH, RIGHT) == (0, 0, [])
    assert figures(TRUTH, RIGHT[::-1] + RIGHT) == (0, 0, [])


@pytest.mark.parametrize("taken", range(len(RIGHT)))
def test_a_removed_alert_is_missed(taken: int) -> None:
    assert figures(TRUTH, RIGHT[:taken] + RIGHT[taken + 1:]) == (1, 0, [])


@pytest.mark.parametrize("after", [0, 60, 600])
def test_an_alert_within_ten_minutes_is_in_time(after: int) -> None:
    assert figures(TRUTH, [*RIGHT[1:], event(1, "no_report", NOW + after, window=WINDOW)]) == (0, 0, [])


def test_an_alert_after_ten_minutes_is_missed_and_overdue() -> None:
    assert figures(TRUTH, [*RIGHT[1:], event(1, "no_report", NOW + 601, window=WINDOW)]) == (1, 1, [])


@pytest.mark.parametrize("invented", [
    event(5, "no_report", window=WINDOW),
    event(5, "not_awake", window=WINDOW),
    event(1, "not_awake", window=WINDOW),
    event(1, "no_report", window="2026-11-24:afternoon"),
    event(5, "sos"),
    event(3, "fire"),
    event(4, "fire", NOW - 1),
    event(5, "inactivity"),
    event(5, "low_battery"),
    event(5, "no_report", window=WINDOW, change="held"),
    event(5, "inactivity", change="reopened"),
])
def test_an_invented_alert_is_false(invented: dict[str, Any]) -> None:
    assert figures(TRUTH, [*RIGHT, invented]) == (0, 0, [invented["data"]["alert"]])


def test_an_alert_before_its_deadline_is_false_and_does_not_count() -> None:
    early = event(1, "no_report", NOW - 1, window=WINDOW)
    assert figures(TRUTH, [*RIGHT[1:], early]) == (1, 0, [early["data"]["alert"]])


@pytest.mark.parametrize("change", ["raised", "escalated", "acknowledged", "released", "cleared"])
def test_later_revisions_count_neither_as_false_nor_as_in_time(change: str) -> None:
    assert figures(TRUTH, [*RIGHT, event(5, "no_report", window=WINDOW, change=change)]) == (0, 0, [])
    assert figures(TRUTH, [*RIGHT[1:], event(1, "no_report", window=WINDOW, change=change)]) == (1, 0, [])


def test_an_alert_on_a_real_emergency_that_was_not_due_is_not_false() -> None:
    assert figures(TRUTH, [*RIGHT, event(4, "fire", NOW + 86_400)]) == (0, 0, [])


def test_alerts_of_other_devices_and_gateways_are_not_false() -> None:
    """`anbu send` has a slot of its own, and the silence of a small fleet may look like an outage."""
    assert figures(TRUTH, [*RIGHT, event(5, "sos", reference="7.1.1"), event("mapo-1", "gateway_outage")]) == (0, 0, [])


@pytest.fixture(scope="module")
def told() -> tuple[Truth, list[dict[str, Any]]]:
    fleet = Fleet(120, 2, seed=2)
    return fleet.truth(), judged(fleet)


def judged(fleet: Fleet) -> list[dict[str, Any]]:
    """The alerts of the pure core for the days of a fleet."""
    keys = KeyRing(parse_keks(orjson.dumps(fleet.keks())))
    return [line["value"] for line in replay(list(lines(fleet)), keys) if line["topic"] == "alerts"]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("subjects", "days", "seed"), [(150, 2, 1), (40, 3, 7), (10, 11, 3), (1, 2, 4)])
def test_the_judgement_misses_no_alert_and_invents_none(scenario: str, subjects: int, days: int, seed: int) -> None:
    fleet = Fleet(subjects, days, seed=seed, scenario=scenario)
    found = score(fleet.truth(), judged(fleet))
    assert (found.missed, found.false) == ([], [])


def test_each_alert_of_a_day_is_missed_if_it_is_removed(told: tuple[Truth, list[dict[str, Any]]]) -> None:
    """If an alert is removed, its truth is missed. The same alert on another person would be false."""
    truth, alerts = told
    openings = {alert["data"]["alert"] for alert in alerts if alert["data"]["revision"] == 1}
    assert len(openings) > 50
    for name in openings:
        found = score(truth, [alert for alert in alerts if alert["data"]["alert"] != name])
        assert len(found.missed) == 1
        assert (str(found.missed[0].subject), found.missed[0].kind) == tuple(name.split(":")[:2])
    for alert in alerts:
        if alert["data"]["revision"] == 1:
            invented = {**alert, "subject": "999", "data": {**alert["data"], "alert": "999:invented:0.1.1"}}
            assert score(truth, [*alerts, invented]).false == ["999:invented:0.1.1"]


def test_no_alert_concerns_a_person_who_reported_in_time(told: tuple[Truth, list[dict[str, Any]]]) -> None:
    truth, alerts = told
    said = {(str(one.subject), one.window): one.accepted_at for one in truth.fine}
    assert len(said) > 400
    for alert in alerts:
        if alert["data"]["kind"] == "no_report":
            assert (alert["subject"], alert["data"]["window"]) not in said


def test_a_truth_is_read_back_from_its_file() -> None:
    truth = Fleet(30, 2).truth()
    written = [orjson.loads(orjson.dumps(line)) for line in truth.lines()]
    assert read_truth(written) == truth
    with pytest.raises(ValueError, match="no line of a truth"):
        read_truth([{"topic": "alerts"}])
    with pytest.raises(KeyError):
        read_truth([{"truth": "due", "subject": 1}])
