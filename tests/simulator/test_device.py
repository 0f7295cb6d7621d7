"""A home unit does what the wire format says that a device owes: it answers questions, and says `not_awake` late."""

from collections.abc import Iterator
from functools import cache

import pytest
from support.opened import ReadReport, cipher_of, opened

from models.report import AWAKE
from models.wire.frame import to_text
from models.wire.question import Question, seal_question
from simulator.calendar import MORNING
from simulator.device import HomeUnit
from simulator.firmware import FIRMWARES
from simulator.fleet import Fleet
from simulator.homes import HomeCourse
from simulator.network import Sent


@cache
def fleet(firmware: str = "listening") -> Fleet:
    return Fleet(120, 1, seed=4, firmware=firmware)


@pytest.fixture
def units() -> dict[int, HomeUnit]:
    return {unit.home.subject: unit for unit in Fleet(120, 1, seed=4).units}


WINDOW = fleet().calendar.window(0, MORNING)
CLOSE = fleet().calendar.close(WINDOW)


def question(subject: int, number: int = 1, window: int = WINDOW) -> str:
    return to_text(seal_question(cipher_of(fleet(), subject), subject, 0, 1, Question(window, number)))


def until(unit: HomeUnit, at: int) -> None:
    """Let the device send what it sends before a time."""
    for plan in unit.life.reports:
        if plan.at <= at:
            unit.send(plan)


def asked(unit: HomeUnit, at: int, number: int = 1) -> ReadReport | None:
    until(unit, at)
    heard = unit.hear(at, question(unit.home.subject, number))
    return None if heard is None else opened(fleet(), unit.answer(at + 5, heard))


def of_course(units: dict[int, HomeUnit], course: HomeCourse, *, late: bool = False) -> Iterator[HomeUnit]:
    for unit in units.values():
        if unit.home.courses[0, MORNING] is course:
            says = [plan.at for plan in unit.life.reports if plan.window == WINDOW]
            if late == bool(says and says[0] > CLOSE):
                yield unit


def test_a_person_who_is_up_is_answered_for(units: dict[int, HomeUnit]) -> None:
    found = asked(next(of_course(units, HomeCourse.AWAKE)), CLOSE)
    assert found is not None
    assert (found.window, found.flags & AWAKE, found.answers, found.listens) == (WINDOW, AWAKE, 1, True)


def test_a_late_sleeper_is_not_alarmed_about(units: dict[int, HomeUnit]) -> None:
    found = asked(next(of_course(units, HomeCourse.AWAKE, late=True)), CLOSE, 3)
    assert found is not None
    assert (found.window, found.flags & 3, found.answers) == (None, 0, 3)


def test_what_has_been_said_is_said_again(units: dict[int, HomeUnit]) -> None:
    unit = next(of_course(units, HomeCourse.NOT_AWAKE, late=True))
    before = asked(unit, CLOSE + 60, 1)
    assert before is not None
    assert before.window is None
    after = asked(unit, CLOSE + 29 * 60 + 30, 2)
    assert after is not None
    assert (after.window, after.flags & 3) == (WINDOW, 0)


def test_a_device_that_is_off_hears_nothing(units: dict[int, HomeUnit]) -> None:
    unit = next(of_course(units, HomeCourse.SILENT))
    assert asked(unit, CLOSE) is None
    assert unit.hear(CLOSE + 3600, question(unit.home.subject, 2)) is not None


def test_no_other_question_is_answered(units: dict[int, HomeUnit]) -> None:
    unit = next(of_course(units, HomeCourse.AWAKE))
    subject = unit.home.subject
    assert unit.hear(CLOSE, question(subject + 1)) is None
    assert unit.hear(CLOSE, question(subject, 2)) is not None
    assert [unit.hear(CLOSE, question(subject, number)) for number in (1, 2)] == [None, None], "old, and the same"
    assert unit.hear(CLOSE, question(subject, 7, WINDOW - 1)) is None


def test_a_window_has_eight_answers(units: dict[int, HomeUnit]) -> None:
    unit = next(of_course(units, HomeCourse.AWAKE))
    heard = [unit.hear(CLOSE, question(unit.home.subject, number)) for number in range(1, 12)]
    assert [one is not None for one in heard] == [True] * 8 + [False] * 3
    assert unit.hear(CLOSE, question(unit.home.subject, 1, WINDOW + 1)) is not None


def test_a_number_above_seven_is_answered_without_it(units: dict[int, HomeUnit]) -> None:
    found = asked(next(of_course(units, HomeCourse.AWAKE)), CLOSE, 9)
    assert found is not None
    assert (found.window, found.answers) == (WINDOW, 0)


def test_a_deaf_device_hears_nothing() -> None:
    unit = fleet("deaf").units[0]
    text = to_text(seal_question(cipher_of(fleet("deaf"), unit.home.subject), unit.home.subject, 0, 1,
                                 Question(WINDOW, 1)))
    assert unit.hear(CLOSE, text) is None


def not_awake(firmware: str) -> list[Sent]:
    calendar = fleet().calendar
    return [sms for unit in Fleet(120, 1, seed=4, firmware=firmware).units for sms in unit.reports()
            if sms.says == "not_awake" and sms.window is not None and not unit.home.is_excused(0)
            and sms.at > calendar.close(sms.window)]


@pytest.mark.parametrize("firmware", sorted(set(FIRMWARES) - {"early"}))
def test_not_awake_is_said_at_the_earliest_five_minutes_before_the_deadline(firmware: str) -> None:
    found = not_awake(firmware)
    assert found
    for sms in found:
        assert sms.deadline is not None
        assert sms.deadline - 300 <= sms.at < sms.deadline


def test_an_early_firmware_says_not_awake_of_people_who_get_up_in_the_grace() -> None:
    late = set()
    for unit in fleet().units:
        late |= {unit.home.subject for plan in unit.life.reports
                 if plan.says == "awake" and plan.window == WINDOW and CLOSE + 900 < plan.at < CLOSE + 1800}
    assert late
    assert late <= {sms.subject for sms in not_awake("early")}
    assert not late & {sms.subject for sms in not_awake("listening")}
