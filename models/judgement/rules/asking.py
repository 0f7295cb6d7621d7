"""Questions to devices, for one person: of which window, with which number, to which device (rules 26, 27 and 29)."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from models.base import Value
from models.contract.asks import Ask
from models.contract.effects import Result
from models.judgement import about
from models.judgement.events import QuestionSent
from models.judgement.person import AskedWindow, Person
from models.judgement.results import octet_at, result_of
from models.judgement.rules.turn import Turn
from models.judgement.windows import Calendar
from models.profile import RegisteredDevice
from models.window import Window

KEPT_DAYS: Final = 2
LAST_WINDOW: Final = 0xFFFE  # a frame has 16 bits for the window; 0xFFFF names none


class Candidate(Value, frozen=True):
    """A person who may be asked about a window. Times are epoch seconds.

    number: of the question, from 1.
    """

    subject: int
    window: int
    moment: int
    number: int
    deadline: int


class MomentLook(NamedTuple):
    """What a look at a person at a moment finds.

    candidates: the windows to ask about.
    next: when the person has to be looked at again; None: the next deadline is soon enough.
    """

    candidates: list[Candidate]
    next: int | None


def look(person: Person, calendar: Calendar, after: int | None, until: int) -> MomentLook:
    """Rules 26 and 27: the windows of which a moment lies in (after, until], each by the last such moment.

    Windows that need no question are passed over: most people are looked at once for a window.
    after, until: the times between which the person is judged, epoch seconds; after None: no window is asked about.
    """
    found, upcoming = [], None
    for window, deadline, moments in calendar.to_ask(person.profile.ask_min, until):
        if window > LAST_WINDOW or is_settled(person, window):
            continue
        number = bisect_right(moments, until)
        if number < len(moments) and (upcoming is None or moments[number] < upcoming):
            upcoming = moments[number]
        if after is None or number == 0 or moments[number - 1] <= after:
            continue
        if number == len(moments) or not _is_enough(person, window):
            found.append(Candidate(person.subject, window, moments[number - 1], number, deadline))
    return MomentLook(found, upcoming)


def has_moment(person: Person, calendar: Calendar, after: int, until: int) -> bool:
    """Whether a window that is still to be judged at `until` has a moment in (after, until]."""
    return any(after < at <= until for one in calendar.to_ask(person.profile.ask_min, until) for at in one.moments)


def is_settled(person: Person, window: int) -> bool:
    """Whether no question of the window is needed: it has a result other than `not_awake`, or its date is excused."""
    octet = octet_at(person.results, window)
    return bool(octet and result_of(octet) is not Result.NOT_AWAKE) or about.excused(person, Window(window).day)


def _is_enough(person: Person, window: int) -> bool:
    """Rule 27: whether only the last question of the window is left to ask."""
    asked = asked_of(person, window)
    return bool(octet_at(person.results, window)) or (asked is not None and asked.answered)


def listening_devices(person: Person) -> Iterator[RegisteredDevice]:
    """The devices that listen and have a number, by slot; each with the key of its current epoch."""
    for slot in sorted(person.slots):
        if not person.slots[slot].listens:
            continue
        current = about.current_epoch(person, slot)
        for device in person.profile.devices:
            if (device.slot, device.epoch) == (slot, current) and device.msisdn is not None:
                yield device
                break


def asked_of(person: Person, window: int) -> AskedWindow | None:
    return next((asked for asked in person.asked if asked.window == window), None)


def ask(turn: Turn, question: QuestionSent) -> None:
    """Rule 29: a question is a record on `asks`, and no alert."""
    person = turn.person
    _note_question(person, question.window, question.number)
    turn.effects.append(Ask(
        subject=person.subject, site=person.profile.site, gateway=person.profile.gateway, slot=question.slot,
        window=question.window, number=question.number, to=question.to, text=question.text, at=turn.now,
        until=question.until,
    ))


def _note_question(person: Person, window: int, number: int) -> None:
    asked = asked_of(person, window) or AskedWindow(window, 0, 0)
    kept = (one for one in person.asked if one.window != window)
    person.asked = tuple(sorted((*kept, AskedWindow(window, asked.times + 1, number, asked.answered)),
                                key=lambda one: one.window))


def note_answer(person: Person, number: int | None) -> None:
    """Rule 29: the number counts for the latest window asked, if not above its last number."""
    if number is None or not person.asked:
        return
    *earlier, latest = person.asked
    if number <= latest.last and not latest.answered:
        person.asked = (*earlier, AskedWindow(latest.window, latest.times, latest.last, answered=True))


def forget_questions(person: Person, judged_day: int) -> None:
    """Drop the questions that no cause can name any more (rule 14): an alert opens within a day of its deadline."""
    oldest = (judged_day - KEPT_DAYS) * 2
    if person.asked and person.asked[0].window < oldest:
        person.asked = tuple(asked for asked in person.asked if asked.window >= oldest)
