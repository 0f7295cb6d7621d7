"""Of the people who were asked and proved to be up, the share whose device had answered."""

from typing import Any

import pytest

from models.asked import ENOUGH, AskedPeople, ProvedUp, is_too_few
from models.times import DAY, format_time, parse_time

NOW = parse_time("2026-11-24T00:00:00Z", "now")
MORNING, AFTERNOON = "2026-11-24:morning", "2026-11-24:afternoon"


def ask(subject: int = 7, window: str = MORNING, number: int = 1, at: int = NOW) -> dict[str, Any]:
    return {"type": "ask", "subject": subject, "gateway": "seoul-1", "window": window, "number": number,
            "at": format_time(at)}


def answer(subject: int = 7, answers: int | None = 1) -> dict[str, Any]:
    return {"type": "report", "subject": subject, "answers": answers}


def checkin(result: str = "awake", subject: int = 7, window: str = MORNING) -> dict[str, Any]:
    return {"type": "checkin", "subject": subject, "window": window, "result": result}


YES, NO = ProvedUp("seoul-1", answered=True), ProvedUp("seoul-1", answered=False)


@pytest.mark.parametrize(("records", "expected"), [
    ([ask(), answer(), checkin()], [YES]),
    ([ask(), checkin("out")], [NO]),
    ([ask(), answer(answers=None), checkin()], [NO]),
    ([ask(), answer(8), checkin()], [NO]),
    ([ask(), checkin("silent"), answer(), checkin()], [YES]),
    ([ask(), ask(number=2), answer(answers=2), checkin(), checkin("out")], [YES]),
    ([ask(number=8), answer(), checkin()], []),
    ([answer(), checkin()], []),
    ([ask(), checkin(window=AFTERNOON)], []),
    ([ask(), ask(window=AFTERNOON), answer(), checkin(window=AFTERNOON), checkin()], [YES, NO]),
    ([ask(), ask(8, at=NOW + DAY), checkin()], [NO]),
    ([ask(), ask(8, at=NOW + DAY + 1), checkin()], []),
    ([ask(), {"type": "progress"}, {"type": "report"}, {**ask(), "at": "now"}, checkin()], [NO]),
], ids=str)
def test_an_asked_person_who_proves_to_be_up_is_counted_once(records: list[dict[str, Any]],
                                                             expected: list[ProvedUp]) -> None:
    people = AskedPeople()
    assert [one for one in map(people.take, records) if one is not None] == expected


def test_only_asked_people_matter() -> None:
    people = AskedPeople()
    people.take(ask())
    assert [people.knows(7), people.knows(8)] == [True, False]
    people.take(checkin())
    assert not people.knows(7)


@pytest.mark.parametrize(("up", "answered", "expected"), [
    (ENOUGH, ENOUGH // 2 - 1, True), (ENOUGH, ENOUGH // 2, False), (ENOUGH - 1, 0, False), (0, 0, False)])
def test_under_half_of_enough_people_is_too_few(up: int, answered: int, *, expected: bool) -> None:
    assert is_too_few(up, answered) is expected
