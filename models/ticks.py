"""Ticks: time as data (rules 18 to 22).

Deadlines are judged against the gateway's ticks, together, so that an outage is told from people who did not wake up.

The order at one tick: rule 19, deadlines by time, rule 20, then rules 8 and 16.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Final, NamedTuple

from models.alerts import Change, Kind
from models.effects import Effect, IncidentRevised, Result
from models.incidents import Incident
from models.lane import GatewayTime, Lane
from models.person import Person
from models.records import Tick
from models.step import Deadline, Released, Ticked, step
from models.times import format_window

SILENT_AFTER: Final = 3 * 60
OUTAGE_AT_MOST: Final = 60 * 60
ALLOWANCE: Final = 60  # of a clock tick, where no gateway tick tells what was accepted
ENOUGH_PEOPLE: Final = 10


class _Due(NamedTuple):
    """Somebody's window whose deadline has come."""

    subject: int
    window: int
    has_result: bool
    excused: bool


def tick(lane: Lane, event: Tick) -> list[Effect]:
    """All that one tick brings about in a lane. One not later than the last of its source is ignored (rule 22)."""
    effects: list[Effect] = []
    at = event.at
    if event.gateway is None:
        if lane.clock is not None and at <= lane.clock:
            return effects
        lane.clock = at
        _watch_gateways(lane, at, effects)
    else:
        gateway = lane.gateways.setdefault(event.gateway, GatewayTime(None, None, None))
        if gateway.ticked is not None and at <= gateway.ticked:
            return effects
        gateway.ticked = at
        _judge(lane, event.gateway, at, at, effects)
        silence = lane.silence_of(event.gateway)
        if silence is not None:
            _close(lane, silence, at, effects)
    lane.touch_times()
    if lane.latest is None or at > lane.latest:
        lane.latest = at
        _end_outages(lane, at, effects)
        for subject in lane.timers.pop(at):
            _apply(lane, subject, Ticked(at), effects)
    return effects


def _watch_gateways(lane: Lane, at: int, effects: list[Effect]) -> None:
    """Rules 19 and 21, at a clock tick."""
    for name in sorted(lane.gateways):
        ticked = lane.gateways[name].ticked
        if ticked is None:
            _judge(lane, name, at - ALLOWANCE, at, effects)
            continue
        silence = lane.silence_of(name)
        if silence is None and lane.population.get(name, 0) > 0 and at - ticked > SILENT_AFTER:
            silence = Incident(name, None, ticked, at)
            lane.put_incident(silence)
            effects.append(IncidentRevised(silence, Change.OPENED, lane.number, at))
        if silence is not None and at - silence.opened_at >= OUTAGE_AT_MOST:
            _judge(lane, name, at - ALLOWANCE, at, effects)


def _judge(lane: Lane, gateway: str, until: int, at: int, effects: list[Effect]) -> None:
    """Judge the deadlines of a gateway's people up to `until`, together by time."""
    time = lane.gateway(gateway)
    before = time.judged
    if before is not None and until <= before:
        return
    time.judged = until
    if before is None:  # the first tick ever only sets the time, but for those whom another gateway's ticks judged
        time.first = until
        subjects = sorted(lane.waiting.pop(gateway, ()))
    else:
        subjects = lane.deadlines[gateway].pop(until) if gateway in lane.deadlines else []
    due: dict[int, list[_Due]] = defaultdict(list)
    moved = []
    for subject in subjects:  # all that is asked of each, at once: most of a nation are packed, and stay so
        person = lane.person(subject)
        if person is None or person.profile.gateway != gateway:
            continue
        after = before if person.moved is None else person.moved
        if after is not None and not person.profile.retired:
            for deadline, window in person.calendar(time.first).due(after, until):
                due[deadline].append(_Due(subject, window, window in person.results, person.excused(window >> 1)))
        if person.moved is None:
            lane.schedule(person)
        else:
            moved.append(subject)
    for deadline in sorted(due):
        _judge_together(lane, gateway, deadline, due[deadline], at, effects, fresh=before is None or deadline > before)
    for subject in moved:
        judged = lane.somebody(subject)
        if judged.moved is not None and judged.moved <= until:
            judged = judged.copy()
            judged.moved = None
            lane.put(subject, judged)
        lane.schedule(judged)


def _judge_together(lane: Lane, gateway: str, deadline: int, due: list[_Due], at: int, effects: list[Effect], *,
                    fresh: bool) -> None:
    """Rules 5, 14 and 18 for the people of one gateway with one deadline.

    fresh: the gateway had not come to this deadline before; later on only those who came from another gateway are
    judged by it, and they are too few to tell an outage.
    """
    silent = tuple((one.subject, one.window) for one in due if not one.excused and not one.has_result)
    silence = lane.silence_of(gateway)
    held_by: str | None = None
    people, quiet = len({one.subject for one in due if not one.excused}), len({subject for subject, _ in silent})
    if fresh and people >= ENOUGH_PEOPLE and quiet * 10 > people * 3:
        incident = Incident(gateway, deadline, None, at, people, silent)
        lane.put_incident(incident)
        effects.append(IncidentRevised(incident, Change.OPENED, lane.number, at))
        held_by = incident.id
    for one in due:
        if not one.has_result:
            event = Deadline(one.window, at, held_by, silence.id if silence is not None else None)
            _apply(lane, one.subject, event, effects)


def _end_outages(lane: Lane, at: int, effects: list[Effect]) -> None:
    """Rule 20 for rule 18: the SMS came after all, or an hour has passed."""
    for incident in list(lane.incidents.values()):
        if incident.deadline is None or at <= incident.opened_at:
            continue
        still = len({subject for subject, window in incident.silent if _is_silent(lane.person(subject), window)})
        if still * 10 >= incident.people * 3 and at - incident.opened_at < OUTAGE_AT_MOST:
            continue
        for subject, window in incident.silent:
            if lane.person(subject) is not None:
                alert = f"{subject}:{Kind.NO_REPORT}:{format_window(window)}"
                _apply(lane, subject, Released(alert, at), effects)
        _close(lane, incident, at, effects)


def _is_silent(person: Person | None, window: int) -> bool:
    judged = person.results.get(window) if person is not None else None
    return judged is not None and judged.result is Result.SILENT


def _close(lane: Lane, incident: Incident, at: int, effects: list[Effect]) -> None:
    lane.drop_incident(incident)
    cleared = replace(incident, revision=incident.revision + 1)
    effects.append(IncidentRevised(cleared, Change.CLEARED, lane.number, at))


def _apply(lane: Lane, subject: int, event: Deadline | Released | Ticked, effects: list[Effect]) -> None:
    person = lane.person(subject)
    if person is None:
        return
    after, came = step(person, event)
    if came:
        lane.put(subject, after)
        effects += came
    elif isinstance(event, Ticked):
        lane.enter_timer(person)
