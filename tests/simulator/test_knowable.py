"""The alerts that could be known from given SMS, case by case."""

from datetime import date
from typing import Any

import pytest

from simulator.calendar import AFTERNOON, MORNING, RunCalendar
from simulator.homes import Home, HomeCourse
from simulator.knowable import Knowable
from simulator.network import Sent, SmsDelivery
from simulator.truth import Truth

CALENDAR = RunCalendar(date(2026, 11, 24), 3)
TODAY, LATER, TOMORROW = CALENDAR.window(0, MORNING), CALENDAR.window(0, AFTERNOON), CALENDAR.window(1, MORNING)
HOUR = 3600


def at(hour: float, day: int = 0) -> int:
    return CALENDAR.at(day, hour * 60)


def sms(arrives: float, window: int | None = None, says: str | None = None, *, sent: float | None = None, day: int = 0,
        counter: int | None = None, idle_min: int = 0, alarm: tuple[str, int] | None = None, flagged: bool = False,
        memory: tuple[tuple[int, int], ...] = ()) -> SmsDelivery:
    """An SMS that arrives at an hour of a day; sent: hour, if not at the same time."""
    when = at(arrives, day)
    moment = when if sent is None else at(sent, day)
    return SmsDelivery(when, "id", "sender", "1666", "W.", Sent(
        moment, 1, moment if counter is None else counter, "sender", "W.", window, None, says, idle_min, alarm, flagged,
        memory, False))


def truth_of(*deliveries: SmsDelivery, **home: object) -> Truth:
    one = Home(1, "jongno", "김영자", "+8210", "서울", "+8212", 420)
    for name, value in home.items():
        setattr(one, name, value)
    one.courses = {(day, half): HomeCourse.AWAKE for day in range(3) for half in (MORNING, AFTERNOON)}
    knowable = Knowable([one], CALENDAR)
    knowable.follow(sorted(deliveries, key=lambda delivery: delivery.at))
    return knowable.truth(())


def dues(*deliveries: SmsDelivery, until: float = 24, **home: object) -> list[tuple[str, str | None, float]]:
    """(kind, window, hour of the run) of what was due by then."""
    return [(due.kind, due.window, (due.knowable_at - CALENDAR.begin) / HOUR)
            for due in truth_of(*deliveries, **home).dues if due.knowable_at < CALENDAR.begin + until * HOUR]


MORNING_SILENT = ("no_report", "2026-11-24:morning", 9.5)
AFTERNOON_SILENT = ("no_report", "2026-11-24:afternoon", 15.5)


def test_silence_is_known_at_the_deadline() -> None:
    assert dues() == [MORNING_SILENT, AFTERNOON_SILENT]
    assert truth_of().fine == ()


@pytest.mark.parametrize("says", ["awake", "out"])
@pytest.mark.parametrize("arrives", [4.8, 6, 9.49])
def test_a_person_who_reports_in_time_is_fine(says: str, arrives: float) -> None:
    truth = truth_of(sms(arrives, TODAY, says))
    assert [(one.window, one.accepted_at) for one in truth.fine] == [("2026-11-24:morning", at(arrives))]
    assert dues(sms(arrives, TODAY, says)) == [AFTERNOON_SILENT]


def test_a_report_that_arrives_later_changes_nothing_about_the_deadline() -> None:
    assert dues(sms(9.6, TODAY, "awake", sent=7)) == [MORNING_SILENT, AFTERNOON_SILENT]
    assert truth_of(sms(9.6, TODAY, "awake", sent=7)).fine == ()


def test_asleep_is_known_at_the_deadline_and_replaces_silence() -> None:
    """Rule 8: many people get up in the grace."""
    asleep = ("not_awake", "2026-11-24:morning", 9.5)
    assert dues(sms(9.2, TODAY, "not_awake")) == [asleep, AFTERNOON_SILENT]
    assert dues(sms(9.2, TODAY, "not_awake"), sms(9.3, TODAY, "not_awake"))[:1] == [asleep]
    assert dues(sms(9.2, TODAY, "not_awake"), sms(9.5, TODAY, "awake")) == [AFTERNOON_SILENT]


def test_asleep_after_the_deadline_is_due_as_silence_and_as_not_awake() -> None:
    assert dues(sms(11, TODAY, "not_awake"))[:2] == [MORNING_SILENT, ("not_awake", "2026-11-24:morning", 11)]


@pytest.mark.parametrize("up", [sms(9.1, TODAY, "awake"), sms(9.1, LATER, "awake")])
def test_asleep_after_awake_is_not_due(up: SmsDelivery) -> None:
    assert "not_awake" not in [kind for kind, _, _ in dues(up, sms(9.3, TODAY, "not_awake", sent=9.0))]


def test_asleep_that_was_repaired_before_is_no_alert() -> None:
    repairing = sms(13.5, LATER, "awake", memory=((TODAY, 2),))
    assert dues(repairing, sms(14, TODAY, "not_awake", sent=9.1)) == [MORNING_SILENT]


def test_an_unscheduled_report_counts_for_no_window() -> None:
    assert dues(sms(8, None, None)) == [MORNING_SILENT, AFTERNOON_SILENT]


def test_an_emergency_is_known_when_its_sms_arrives_and_once() -> None:
    sos = ("sos", at(10))
    first = sms(10.1, alarm=sos, flagged=True, sent=10)
    assert ("sos", None, 10.1) in dues(first)
    assert [kind for kind, _, _ in dues(first, first, sms(13.5, LATER, "awake", alarm=sos))].count("sos") == 1


def test_an_emergency_whose_sms_was_lost_is_known_by_the_next_report() -> None:
    assert ("fall", None, 13.5) in dues(sms(13.5, LATER, "awake", alarm=("fall", at(10))))


def test_an_emergency_is_remembered_for_a_day() -> None:
    def told(hour: float) -> bool:
        report = sms(hour, TOMORROW, "awake", day=1, alarm=("gas", at(8)))
        return "gas" in [kind for kind, _, _ in dues(report, until=72)]

    assert told(7.9)
    assert not told(8.0)


def test_an_sms_that_was_days_on_its_way_is_still_an_emergency() -> None:
    assert ("sos", None, 60) in dues(sms(12, alarm=("sos", at(1)), flagged=True, sent=-47, day=2), until=72)


def test_no_alert_is_due_for_an_excused_day() -> None:
    assert dues(sms(9.2, TODAY, "not_awake", idle_min=900), excused=(0, 0)) == []
    assert truth_of(sms(8, TODAY, "awake"), excused=(0, 0)).fine == ()
    assert dues(excused=(1, 1), until=72)[-1][2] == 63.5


@pytest.mark.parametrize(("idle_min", "known"), [(719, False), (720, True), (900, True)])
def test_inactivity_is_known_after_twelve_hours(idle_min: int, known: bool) -> None:
    assert (("inactivity", None, 9.2) in dues(sms(9.2, TODAY, "not_awake", idle_min=idle_min))) == known


def test_inactivity_ends_with_activity_and_may_come_again() -> None:
    found = dues(sms(9.2, TODAY, "not_awake", idle_min=800), sms(13.1, LATER, "not_awake", idle_min=1030),
                 sms(15.2, LATER, "awake"), sms(9.2, TOMORROW, "not_awake", idle_min=1080, day=1), until=48)
    assert [hour for kind, _, hour in found if kind == "inactivity"] == [9.2, 33.2]


def test_an_old_report_that_arrives_late_shows_no_inactivity() -> None:
    found = dues(sms(10, TODAY, "awake", counter=2), sms(10.5, TODAY, "not_awake", sent=9.1, idle_min=800, counter=1))
    assert "inactivity" not in [kind for kind, _, _ in found]


@pytest.mark.parametrize(("home", "kind"), [
    ({"battery_pct": 14}, "low_battery"), ({"mains_lost": True}, "mains_lost"), ({"temp_c": 4}, "temperature")])
def test_the_first_report_tells_of_its_device(home: dict[str, Any], kind: str) -> None:
    told = sms(8, TODAY, "awake"), sms(14, LATER, "awake")
    assert dues(*told) == []
    assert dues(*told, **home) == [(kind, None, 8)]


def test_a_weak_signal_needs_two_reports_in_order() -> None:
    assert dues(sms(8, TODAY, "awake"), sms(14, LATER, "awake"), signal_dbm=-106) == [("weak_signal", None, 14)]
    crossed = sms(8, TODAY, "awake", counter=2), sms(9, TODAY, "awake", counter=1), sms(14, LATER, "awake", counter=3)
    assert dues(*crossed, signal_dbm=-106) == [("weak_signal", None, 14)]
