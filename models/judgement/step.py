"""step(state, event) -> (state, effects): one event changes one person. No clock, no I/O, no randomness.

`step` leaves the given state as it was. `fold` and `ticks` decide which event goes to which person.
"""

from copy import copy
from typing import Final, assert_never

from msgspec.structs import replace

from models.contract.alerts import report_reference
from models.contract.effects import Effect, Reported
from models.judgement import about, replay
from models.judgement.events import (
    Arrived,
    Commanded,
    Deadline,
    Erased,
    Event,
    FrameRejected,
    QuestionSent,
    Registered,
    Released,
    Ticked,
)
from models.judgement.person import Person, Slot
from models.judgement.results import since
from models.judgement.rules import (
    absences,
    activity,
    asking,
    causes,
    checkins,
    clocks,
    commands,
    devices,
    emergencies,
    timers,
)
from models.judgement.rules.checkins import LATE_DAYS
from models.judgement.rules.clocks import Origin
from models.judgement.rules.turn import Turn
from models.judgement.windows import scheduled
from models.profile import Profile
from models.report import AttributeReport, StatusReport
from models.times import DAY
from models.window import Window, windows_of_days

KEPT_DAYS: Final = LATE_DAYS + 1  # of results and spans of windows; a report can name a window that is LATE_DAYS old
CLOSED_KEPT: Final = DAY  # so long a command may reopen an alert (rule 15), and the end of an excuse too (rule 7)


def step(state: Person | None, event: Event) -> tuple[Person, list[Effect]]:
    """The next state of a person, and the effects of the event, in order.

    state: None for a number without a person; only `Registered` may have it, and creates the person. `step` raises
    nothing on any authentic report.
    """
    if isinstance(event, Registered):
        return _register(state, event)
    if state is None:
        raise LookupError(f"nobody is registered for {event}")
    turn = Turn(copy(state), event.at)
    match event:
        case Arrived():
            _arrive(turn, event)
        case FrameRejected():
            causes.remember_unusable(turn, event.reason)
        case Commanded():
            commands.obey(turn, event.command, event.standing)
        case QuestionSent():
            asking.ask(turn, event)
        case Deadline():
            checkins.judge(turn, event.window, event.held_by, event.outage)
            _forget_windows(turn, Window(event.window).day)
            _forget_alerts(turn)
        case Ticked():
            timers.tick(turn)
        case Released():
            checkins.release(turn, event.alert)
        case Erased():
            absences.retire(turn)
        case _ as never:
            assert_never(never)
    return turn.person, turn.effects


def _arrive(turn: Turn, event: Arrived) -> None:
    """Receiving rule 2 and rule 23: a report is fresh, below the replay window, or a duplicate."""
    received = event.received
    state = turn.person.slots.get(received.slot) or Slot()
    report, fresh = received.payload, clocks.is_new(state, received)
    fell_back = not fresh and isinstance(report, StatusReport) and clocks.fell_back(report, state, turn.now)
    if not fresh and not fell_back:
        if clocks.is_below(state, received):
            _below(turn, event, state)
        return
    _hear(turn)
    highest = clocks.highest_seen(state)
    if fresh:
        state = replay.accepted(state, received.epoch, received.counter)
    judged = about.judged_until(turn.person, event.judged_until)
    if judged is not None:
        _forget_windows(turn, turn.today if judged >= turn.now else about.today(turn.person, judged))
    _forget_alerts(turn)
    if isinstance(report, StatusReport):
        _status(turn, event, report, state, clocks.origin(received, highest, fell_back=fell_back))
    else:
        turn.person.slots = {**turn.person.slots, received.slot: state}
        turn.effects.append(_reported(turn, event, None, late=False))


def _hear(turn: Turn) -> None:
    """Rule 14: an authentic report has come that is no duplicate."""
    heard = turn.person.last_heard_at
    if heard is None or turn.now > heard:
        turn.person.last_heard_at = turn.now


def _status(turn: Turn, event: Arrived, report: StatusReport, state: Slot, origin: Origin) -> None:
    """A fresh status report: history first, then check-ins, emergencies, activity and the device.

    state: of the slot, with the counter of the report.
    """
    person = turn.person
    clock = clocks.read_clock(report, state, origin.position, turn.now)
    reading = checkins.read(turn, report, clock)
    turn.effects.append(_reported(turn, event, reading, late=reading.late, reference=origin.reference))
    if reading.late:  # rule 17: the report does nothing else
        person.slots = {**person.slots, origin.slot: clocks.with_clock(state, report, clock, origin)}
        causes.remember_unusable(turn, causes.LATE)
        emergencies.flags(turn, report, clock, origin)
        return
    asking.note_answer(person, report.answers)
    checkins.check_in(turn, report, reading, event.judged_until, event.first)
    emergencies.flags(turn, report, clock, origin)
    emergencies.memory(turn, report, clock, origin)
    activity.inactivity(turn, report, reading.says, clock.device_time, origin)
    activity.long_out(turn, report, reading.says, origin)
    devices.devices(turn, report, state, clock, origin)
    causes.remember(turn, report, clock.device_time, clock_wrong=clock.wrong)


def _below(turn: Turn, event: Arrived, state: Slot) -> None:
    """An authentic frame below the replay window: history, and an emergency of the last 24 hours (rule 17)."""
    _hear(turn)
    causes.remember_unusable(turn, causes.LATE)
    report = event.received.payload
    if isinstance(report, AttributeReport):
        turn.effects.append(_reported(turn, event, None, late=True))
        return
    origin = clocks.origin(event.received, clocks.highest_seen(state), fell_back=False)
    clock = clocks.read_clock(report, state, origin.position, turn.now)
    reading = checkins.read(turn, report, clock)
    if not reading.late:
        reading = replace(reading, window=reading.named)
    turn.effects.append(_reported(turn, event, reading, late=True))
    if turn.now - clock.device_time <= DAY:
        emergencies.flags(turn, report, clock, origin)


def _reported(turn: Turn, event: Arrived, reading: checkins.Reading | None, *, late: bool,
              reference: str | None = None) -> Reported:
    """reference: None: that of the report's own counter."""
    received, profile = event.received, turn.person.profile
    if reading is None:
        window, result, clock_wrong = None, None, False
    else:
        window, result, clock_wrong = reading.window, reading.result, reading.clock.flagged
    return Reported(
        subject=profile.subject, site=profile.site,
        reference=reference or report_reference(received.slot, received.epoch, received.counter),
        received_at=turn.now, late=late, window=window, result=result, clock_wrong=clock_wrong,
        payload=received.payload, sms_id=event.sms_id, sms_gateway=event.sms_gateway,
    )


def _register(state: Person | None, event: Registered) -> tuple[Person, list[Effect]]:
    profile = event.profile
    if state is None:
        person = Person(profile, event.standing.judged_until)
    else:
        person = copy(state)
        if person.judged_from is None:
            person.judged_from = event.former.first
        _keep_opened(person, profile, event.former.judged_until)
        if person.judged_from is None:
            person.judged_from = event.standing.judged_until
        if profile.gateway != person.profile.gateway and person.former_time is None:
            person.former_time = event.former.judged_until
        person.profile = profile
        _drop_unlisted(person)
    turn = Turn(person, event.at)
    if profile.retired:
        absences.retire(turn)
    absences.excuse(turn, profile.excused)
    absences.take_back(turn, event.standing)
    return turn.person, turn.effects


def _keep_opened(person: Person, profile: Profile, time: int | None) -> None:
    """Rule 2: a later record changes nothing for windows that have opened; they keep the spans that they had.

    A window that the record would open in the past keeps its span too. Otherwise no schedule would have the window
    judged, and nobody would notice that the person is silent.
    """
    # A person who changed the gateway brings the former gateway's time along. A person who changes it again before
    # the next tick brings all times that were known.
    known = [at for at in (time, person.former_time, person.judged_from) if at is not None]
    moves_on = person.former_time is not None and profile.gateway != person.profile.gateway
    if not known or (profile.schedule == person.profile.schedule and not moves_on):
        return
    time = max(known)
    calendar, today, kept = about.calendar(person), about.today(person, time), dict(person.kept_spans)
    for window in windows_of_days(today - KEPT_DAYS, today + 1):
        span = calendar.judged_span(window)
        if span is None:
            continue
        renewed = scheduled(profile.schedule, window)
        if span.open <= time or (renewed is not None and renewed.open <= time):
            kept[window] = span
        else:
            kept.pop(window, None)  # a former record kept it; this record replaces it
    person.kept_spans, person.judged_from = kept, time


def _drop_unlisted(person: Person) -> None:
    """Drop epochs that the registry no longer lists: no frame of them is accepted.

    The highest accepted epoch of a slot stays, since it gives the current one.
    """
    listed = {(device.slot, device.epoch) for device in person.profile.devices}
    slots = {}
    for number, slot in person.slots.items():
        highest = max(slot.replay)
        kept = {epoch: window for epoch, window in slot.replay.items() if epoch == highest or (number, epoch) in listed}
        slots[number] = replace(slot, replay=kept)
    person.slots = slots


def _forget_windows(turn: Turn, judged_day: int) -> None:
    """Drop the windows that no rule can reach any more, so that the state does not grow.

    judged_day: the local date up to which the person is judged, not later than now; at a deadline, the window's date.
    After a long silence of the gateway many windows are due at once. The state of windows that are not judged yet must
    not be lost.
    """
    person, oldest = turn.person, judged_day - KEPT_DAYS
    first = oldest * 2
    person.results = since(person.results, first)
    if person.kept_spans:
        person.kept_spans = {window: span for window, span in person.kept_spans.items() if window >= first}
    asking.forget_questions(person, judged_day)
    if person.overrides and person.overrides[0].last < oldest:
        person.overrides = tuple(override for override in person.overrides if override.last >= oldest)


def _forget_alerts(turn: Turn) -> None:
    """Drop alerts that were cleared more than CLOSED_KEPT ago."""
    turn.person.closed = tuple(alert for alert in turn.person.closed
                               if alert.cleared_at is None or alert.cleared_at + CLOSED_KEPT >= turn.now)
