"""Ticks: time as data (rules 18 to 22).

A gateway's ticks judge the deadlines of its people together. So the lane can tell an outage from people who did not
wake up.

The order at one tick: rule 19, deadlines by time, questions, rule 20, then rules 8, 16 and 25.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from models.contract.alerts import Change, Kind, alert_id
from models.contract.effects import Effect, IncidentRevised, Result
from models.contract.incidents import Incident
from models.contract.inputs import Tick
from models.errors import Rejected, RejectReason
from models.judgement import about, questions
from models.judgement.events import Deadline, Released, Ticked
from models.judgement.gateway import ALLOWANCE, DeadlineNote
from models.judgement.lane import LaneState
from models.judgement.person import Person
from models.judgement.results import result_at
from models.judgement.rules import asking
from models.judgement.step import step
from models.times import DAY, format_time
from models.window import Window
from models.wire.keys import KeyRing

SILENT_AFTER: Final = 3 * 60
OUTAGE_AT_MOST: Final = 60 * 60
OUTAGE_TENTHS: Final = 3  # more silent people of ten than that are an outage of the gateway
ENOUGH_SILENT: Final = 10
ENOUGH_DUE: Final = 2  # where no SMS at all has come in
MOST_AHEAD: Final = 366 * DAY  # no absence is longer; a wrong clock is mostly wrong by decades
PEOPLE_A_SLICE: Final = 1000  # some 20 ms; after them the caller of a tick has a turn


class _Due(NamedTuple):
    """A person's window whose deadline has come."""

    subject: int
    window: int
    opened: int
    result: Result | None
    excused: bool


class _Awaited(NamedTuple):
    """The people with one deadline whose windows are not excused.

    silent: (subject, window) of these that have no result.
    opened: the earliest opening of their windows, epoch seconds.
    """

    people: set[int]
    silent: tuple[tuple[int, int], ...]
    opened: int


def tick(lane: LaneState, event: Tick, keys: KeyRing) -> Iterator[list[Effect]]:
    """The effects of one tick in a lane, in slices: a quarter of a million people may have one deadline.

    A tick that is not later than the last tick of its source is ignored (rule 22). A gateway tick that is more than
    MOST_AHEAD after the latest tick is `malformed`. People are judged up to a tick, and never again before that time:
    such a tick would judge for hours, and no later tick would judge these people.
    """
    at = event.at
    if event.gateway is None:
        if not lane.times.advance_clock(at):
            return
        yield from _watch_gateways(lane, at, keys)
    else:
        if lane.latest is not None and at > lane.latest + MOST_AHEAD:
            yield [Rejected(RejectReason.MALFORMED, f"at: more than a year after {format_time(lane.latest)}")]
            return
        if not lane.times.advance_gateway(event.gateway, at, event.quiet_since):
            return
        yield from _judge(lane, event.gateway, at, at, keys)
        silence = lane.silence_of(event.gateway)
        if silence is not None:
            yield _close(lane, silence, at)
    if lane.times.advance_latest(at):
        yield from _end_outages(lane, at)
        for subject in lane.take_timers(at):
            yield _apply(lane, subject, Ticked(at))


def _watch_gateways(lane: LaneState, at: int, keys: KeyRing) -> Iterator[list[Effect]]:
    """Rules 19 and 21, at a clock tick."""
    for name in sorted(lane.times.gateways):
        ticked = lane.gateway(name).ticked
        if ticked is None:
            yield from _judge(lane, name, at - ALLOWANCE, at, keys)
            continue
        silence = lane.silence_of(name)
        if silence is None and lane.population(name) > 0 and at - ticked > SILENT_AFTER:
            silence = Incident(name, None, ticked, at)
            lane.put_incident(silence)
            yield [IncidentRevised(silence, Change.OPENED, lane.number, at)]
        if silence is not None and at - silence.opened_at >= OUTAGE_AT_MOST:
            yield from _judge(lane, name, at - ALLOWANCE, at, keys)


def _judge(lane: LaneState, gateway: str, until: int, at: int, keys: KeyRing) -> Iterator[list[Effect]]:
    """Judge the deadlines of a gateway's people up to `until`, together by time; then ask for windows still to come."""
    taken = lane.take_due(gateway, until)
    if taken is None:
        return
    before, first, subjects = taken
    due: dict[int, list[_Due]] = defaultdict(list)
    moved, passed = [], []
    for looked_at, subject in enumerate(subjects):  # each person is unpacked once for all questions
        if looked_at % PEOPLE_A_SLICE == PEOPLE_A_SLICE - 1:
            yield []
        person = lane.person(subject)
        if person is None or person.profile.gateway != gateway:
            continue
        # The first tick of a gateway only sets the time, except for people from another gateway.
        after = before if person.former_time is None else person.former_time
        if after is not None and not person.profile.retired:
            calendar = about.calendar(person, first)
            for deadline, window, opened in calendar.due(after, until):
                due[deadline].append(_Due(subject, window, opened, result_at(person.results, window),
                                          about.excused(person, Window(window).day)))
            if before is not None and person.profile.ask_min and asking.has_moment(person, calendar, before, until):
                passed.append(subject)  # between a deadline of this tick and its end; the index knows no such moment
        if person.former_time is None:
            lane.schedule(person)
        else:
            moved.append(subject)
    for deadline in sorted(due):
        yield from _judge_together(lane, gateway, deadline, due[deadline], at,
                                   fresh=before is None or deadline > before)
    yield from questions.ask(lane, keys, gateway, before, until, at, passed)
    for subject in moved:
        lane.schedule_moved(subject, until)


def _judge_together(lane: LaneState, gateway: str, deadline: int, due: list[_Due], at: int, *,
                    fresh: bool) -> Iterator[list[Effect]]:
    """Rules 5, 8, 14 and 18 for the people of one gateway with one deadline.

    fresh: the gateway's time had not reached this deadline before. If it had, only people from another gateway are
    judged here: they are judged singly, and not noted.
    """
    outage, awaited = lane.outage_of(gateway), _awaited(due)
    notes = _note(lane, gateway, deadline, awaited) if fresh and awaited.people else ()
    if outage is not None:
        outage = replace(outage, silent=(*outage.silent, *awaited.silent))
        if notes:
            outage = replace(outage, due=tuple(sorted({*outage.due, *awaited.people})))
        lane.put_incident(outage)
    elif notes and awaited.silent:
        outage = _found(gateway, deadline, awaited, notes, lane.gateway(gateway).quiet_since, at)
        if outage is not None:
            lane.put_incident(outage)
            yield [IncidentRevised(outage, Change.OPENED, lane.number, at)]
    silence = lane.silence_of(gateway)
    for one in due:
        if one.result is None or one.result is Result.NOT_AWAKE:
            yield _apply(lane, one.subject, Deadline(one.window, at, None if outage is None else outage.id,
                                                     None if silence is None else silence.id))


def _awaited(due: list[_Due]) -> _Awaited:
    awaited = [one for one in due if not one.excused]
    return _Awaited({one.subject for one in awaited},
                    tuple((one.subject, one.window) for one in awaited if one.result is None),
                    min((one.opened for one in awaited), default=0))


def _note(lane: LaneState, gateway: str, deadline: int, awaited: _Awaited) -> Sequence[DeadlineNote]:
    """Rule 18: note a deadline. Returns the notes of the 60 minutes up to it."""
    silent = len({subject for subject, _ in awaited.silent})
    return lane.times.note(gateway, DeadlineNote(deadline, len(awaited.people), silent, awaited.opened))


def _found(gateway: str, deadline: int, awaited: _Awaited, notes: Sequence[DeadlineNote], quiet_since: int | None,
           at: int) -> Incident | None:
    """The outage that a deadline shows (rule 18); None: it shows none.

    notes: of the 60 minutes up to the deadline. quiet_since: see `GatewayTime`.
    """
    due, silent = sum(note.due for note in notes), sum(note.silent for note in notes)
    many = silent >= ENOUGH_SILENT and silent * 10 > due * OUTAGE_TENTHS
    no_sms = quiet_since is not None and quiet_since <= min(note.opened for note in notes)
    quiet = ENOUGH_DUE <= due == silent and no_sms
    if not many and not quiet:
        return None
    return Incident(gateway=gateway, deadline=deadline, last_tick=None, opened_at=at, people=len(awaited.people),
                    silent=awaited.silent, due=tuple(sorted(awaited.people)), noted=(silent, due),
                    quiet_since=quiet_since if quiet else None)


def _end_outages(lane: LaneState, at: int) -> Iterator[list[Effect]]:
    """Rule 20 for rule 18: fewer than 30 % of the people are still silent, or an hour has passed."""
    for incident in lane.outages():
        if at <= incident.opened_at:
            continue
        due = set(incident.due)
        still = {subject for subject, window in incident.silent
                 if (not due or subject in due) and _is_silent(lane.person(subject), window)}
        people = len(due) or incident.people
        if len(still) * 10 >= people * OUTAGE_TENTHS and at - incident.opened_at < OUTAGE_AT_MOST:
            continue
        for subject, window in incident.silent:
            for kind in (Kind.NO_REPORT, Kind.NOT_AWAKE):  # `not_awake` is held as the one whose place it took
                yield _apply(lane, subject, Released(alert_id(subject, kind, str(Window(window))), at))
        yield _close(lane, incident, at)


def _is_silent(person: Person | None, window: int) -> bool:
    return person is not None and result_at(person.results, window) is Result.SILENT


def _close(lane: LaneState, incident: Incident, at: int) -> list[Effect]:
    lane.drop_incident(incident)
    cleared = replace(incident, revision=incident.revision + 1)
    return [IncidentRevised(cleared, Change.CLEARED, lane.number, at)]


def _apply(lane: LaneState, subject: int, event: Deadline | Released | Ticked) -> list[Effect]:
    person = lane.person(subject)
    if person is None:
        return []
    after, effects = step(person, event)
    if effects:
        lane.put(subject, person, after)
    elif isinstance(event, Ticked):
        lane.enter_timer(person)
    return effects
