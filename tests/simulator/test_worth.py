"""The figures of a rule, from alarms made by hand."""


import pytest

from models.json_object import JsonObject
from models.times import format_time
from models.window import Window
from simulator.calendar import AFTERNOON, GRACE_MIN, MORNING
from simulator.fleet import Fleet
from simulator.homes import HomeCourse
from simulator.network import Sent, SmsDelivery
from simulator.world import Lived
from simulator.worth import Alarm, Worth, judged_alarms, naive_alarms, worth

FLEET = Fleet(3, 1)
CALENDAR = FLEET.calendar
WINDOW = CALENDAR.window(0, MORNING)
CLOSE, DEADLINE = CALENDAR.close(WINDOW), CALENDAR.deadline(WINDOW)
NOTHING = Lived([], [], [], [])
UP, ASLEEP, AWAY = (1001, WINDOW), (1002, WINDOW), (1003, WINDOW)


@pytest.fixture(autouse=True)
def courses() -> None:
    """One is awake, one is not, one is excused; in the afternoon all are excused."""
    for home, course in zip(FLEET.homes, (HomeCourse.AWAKE, HomeCourse.NOT_AWAKE, HomeCourse.EXCUSED), strict=True):
        home.emergencies.clear()
        home.courses.clear()
        home.courses |= {(0, MORNING): course, (0, AFTERNOON): HomeCourse.EXCUSED}


def report(at: int, subject: int = 1001, says: str = "awake", arrives: int | None = None) -> SmsDelivery:
    sms = Sent(at, subject, 1, "sender", "W.", WINDOW, DEADLINE, says, 0, None, False, (), False)
    return SmsDelivery(at if arrives is None else arrives, "id", "sender", "1666", "W.", sms)


def alert(kind: str, change: str, at: int, subject: int = 1002, window: int = WINDOW) -> JsonObject:
    return {"subject": str(subject), "time": format_time(at),
            "data": {"alert": "id", "kind": kind, "change": change, "window": str(Window(window))}}


def heard(*deliveries: SmsDelivery) -> Lived:
    return Lived([one.sent for one in deliveries if one.sent is not None], list(deliveries), [], [])


@pytest.mark.parametrize(("delivery", "at_close", "at_deadline"), [
    (report(CLOSE - 9), False, False),
    (report(CLOSE), False, False),
    (report(CLOSE - 9, arrives=CLOSE + 1), True, False),
    (report(CLOSE - 9, arrives=DEADLINE + 1), True, True),
    (report(CLOSE - 9, says="out"), False, False),
    (report(CLOSE - 9, says="not_awake"), True, True),
    (report(CLOSE - 9, subject=1003), True, True),
])
def test_the_naive_rule(delivery: SmsDelivery, at_close: bool, at_deadline: bool) -> None:
    for grace_min, rings in ((0, at_close), (GRACE_MIN, at_deadline)):
        at = CLOSE + grace_min * 60
        found = naive_alarms(heard(delivery), FLEET, grace_min)
        assert found == {place: Alarm(at, at) for place in ((UP, ASLEEP) if rings else (ASLEEP,))}


def test_an_alarm_rings_once_a_window() -> None:
    found = judged_alarms([alert("no_report", "opened", DEADLINE), alert("no_report", "cleared", DEADLINE + 60),
                           alert("not_awake", "opened", DEADLINE + 60), alert("sos", "opened", DEADLINE)])
    assert found == {ASLEEP: Alarm(DEADLINE, DEADLINE)}


def test_an_incident_tells_of_the_alarms_that_it_holds() -> None:
    held = alert("no_report", "held", DEADLINE)
    assert judged_alarms([held]) == {ASLEEP: Alarm(DEADLINE, None)}
    released = alert("no_report", "released", DEADLINE + 3600)
    assert judged_alarms([held, released]) == {ASLEEP: Alarm(DEADLINE, DEADLINE + 3600)}


def test_what_is_false_and_what_is_missed() -> None:
    lived = heard(report(CLOSE + 600))
    at_close = worth(lived, FLEET, {UP: Alarm(CLOSE, CLOSE), ASLEEP: Alarm(CLOSE, CLOSE)})
    assert at_close == Worth(3, true=1, false=1, sms=1)
    later = worth(lived, FLEET, {UP: Alarm(DEADLINE, DEADLINE), ASLEEP: Alarm(DEADLINE, DEADLINE)})
    assert later == Worth(3, true=1, false=1, false_up=1, longest_wait_s=1800, sms=1)
    assert worth(NOTHING, FLEET, {}) == Worth(3, missed=1)
    assert worth(NOTHING, FLEET, {ASLEEP: Alarm(DEADLINE + 601, None)}).missed == 1
    assert worth(NOTHING, FLEET, {ASLEEP: Alarm(DEADLINE + 600, None)}).missed == 0


def test_a_held_alarm_about_a_person_who_is_up_is_not_false() -> None:
    assert worth(NOTHING, FLEET, {UP: Alarm(DEADLINE, None), ASLEEP: Alarm(DEADLINE, None)}).false == 0


def test_an_excused_person_needs_no_alarm() -> None:
    assert worth(NOTHING, FLEET, {AWAY: Alarm(DEADLINE, DEADLINE)}).false == 1


def test_an_emergency_that_arrived_and_was_not_told() -> None:
    delivery = report(CLOSE)
    sms = delivery.sent
    assert sms is not None
    emergency = delivery._replace(sent=sms._replace(alarm=("sos", CLOSE), flagged=True))
    assert worth(heard(emergency), FLEET, {}).missed_emergencies == 1
    told = heard(emergency)._replace(alerts=[{**alert("sos", "opened", CLOSE + 5, 1001), "data": {
        "alert": "1001:sos:0.1.1", "kind": "sos", "change": "opened", "window": None}}])
    assert worth(told, FLEET, {}).missed_emergencies == 0


def test_figures_add_up() -> None:
    first = Worth(200, true=9, false=3, longest_wait_s=60, questions=4)
    both = first.plus(Worth(100, false=6, longest_wait_s=30, questions=6))
    assert both == Worth(300, true=9, false=9, longest_wait_s=60, questions=10)
    assert (both.per_100_days(both.false), both.a_month(both.questions)) == (3, 1)
    assert (both.ppv(), both.ppv(9), Worth(1).ppv()) == (0.5, 0.1, None)
    assert both.fewer_than(Worth(300, false=36)) == 0.75
    assert both.fewer_than(Worth(300)) is None


def test_repetitions_are_sms_too() -> None:
    fleet = Fleet(1, 1, firmware="repeating")
    assert worth(heard(report(CLOSE)), fleet, {}).sms == 2
