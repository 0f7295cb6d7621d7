"""Questions of a lane to devices: who of the candidates is asked, and not too many at once (rules 26 and 28).

A dead way to the devices, or a dead network, is asked by few.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import crc32

from models.contract.effects import Effect, Result
from models.judgement import about
from models.judgement.events import QuestionSent
from models.judgement.lane import LaneState
from models.judgement.person import Person, SentQuestion
from models.judgement.results import octet_at, result_of
from models.judgement.rules.asking import Candidate, asked_of, listening_devices, look
from models.judgement.step import step
from models.profile import RegisteredDevice
from models.wire.frame import to_text
from models.wire.keys import KeyRing
from models.wire.question import Question, seal_question

PEOPLE_A_SLICE: Final = 1000
ALWAYS_ALLOWED: Final = 10
ALLOWED_TENTHS: Final = 3
TIME_TO_ANSWER: Final = 180


class _Ready(NamedTuple):
    """A candidate, and the text of the question to a device. order: of rule 28."""

    order: tuple[int, int]
    candidate: Candidate
    device: RegisteredDevice
    text: str


def ask(lane: LaneState, keys: KeyRing, gateway: str, after: int | None, until: int, at: int,
        passed: list[int]) -> Iterator[list[Effect]]:
    """Ask the devices of a gateway's people, after the deadlines of a tick.

    after, until: the people are judged from `after` up to `until`, epoch seconds; after None: for the first time, and
    no device is asked.
    at: the time of the tick.
    passed: people of whom a moment has passed since a deadline of this tick.
    """
    first = lane.gateway(gateway).first
    from_time = None if lane.silence_of(gateway) is not None else after
    ready: list[_Ready] = []
    for number, subject in enumerate(sorted({*lane.moments.take(gateway, until), *passed}), start=1):
        if number % PEOPLE_A_SLICE == 0:
            yield []
        person = lane.person(subject)
        if person is None or person.profile.gateway != gateway or person.profile.retired:
            continue
        after = from_time if from_time is None else max(from_time, person.former_time or from_time)
        found = look(person, about.calendar(person, first), after, until)
        lane.moments.enter(gateway, subject, found.next)
        ready += [one for candidate in found.candidates if (one := _ready(keys, person, candidate)) is not None]
    if ready:
        ready.sort(key=lambda one: (one.order, one.candidate.subject, one.candidate.window))
        yield from _ask_some(lane, gateway, ready, until, at)


def _ready(keys: KeyRing, person: Person, candidate: Candidate) -> _Ready | None:
    """The question to the lowest slot that listens, has a number, and whose key unwraps; None: no slot can be asked."""
    for device in listening_devices(person):
        cipher = keys.cipher(person.subject, device)
        if cipher is not None:
            question = Question(candidate.window, candidate.number)
            text = to_text(seal_question(cipher, person.subject, device.slot, device.epoch, question))
            return _Ready((candidate.moment, crc32(b"%d" % person.subject)), candidate, device, text)
    return None


def _ask_some(lane: LaneState, gateway: str, ready: list[_Ready], until: int, at: int) -> Iterator[list[Effect]]:
    asked = list(lane.moments.sent(gateway, until))
    limit = max(ALWAYS_ALLOWED, lane.population(gateway) * ALLOWED_TENTHS // 10)
    if len(asked) + len(ready) > limit and not _is_lifted(lane, asked, until):
        ready = ready[:max(0, limit - len(asked))]
    effects: list[Effect] = []
    for one in ready:
        candidate, person = one.candidate, lane.somebody(one.candidate.subject)
        after, made = step(person, QuestionSent(
            window=candidate.window, number=candidate.number, slot=one.device.slot, to=one.device.msisdn or "",
            text=one.text, until=candidate.deadline, at=at))
        lane.put(candidate.subject, person, after)
        asked.append(SentQuestion(until, candidate.subject, candidate.window))
        effects += made
    if ready:
        lane.moments.put_sent(gateway, asked)
        yield effects


def _is_lifted(lane: LaneState, asked: list[SentQuestion], until: int) -> bool:
    """Rule 28: whether the way to the devices works, since at least half of the people asked are heard of."""
    earlier = [one for one in asked if one.at <= until - TIME_TO_ANSWER]
    heard = sum(_is_heard(None if one.subject is None else lane.person(one.subject), one.window) for one in earlier)
    return bool(earlier) and heard * 2 >= len(earlier)


def _is_heard(person: Person | None, window: int) -> bool:
    """Whether a person has answered a question of the window, has a result other than `not_awake`, or is gone."""
    if person is None:
        return True
    asked, octet = asked_of(person, window), octet_at(person.results, window)
    return (asked is not None and asked.answered) or bool(octet and result_of(octet) is not Result.NOT_AWAKE)
