"""Windows and check-ins: rules 3 to 6, and the alerts of a window, rules 8 and 9.

A report counts for the window that it names, whatever its clock says. A report that names no window counts by its
device time.
"""

from typing import Final

from models.base import Value
from models.contract.alerts import OF_A_WINDOW, Change, ClearReason, Kind, Likely, Severity, alert_id
from models.contract.command import Command
from models.contract.effects import Result
from models.judgement import about
from models.judgement.person import Person
from models.judgement.results import REPORTED, as_reported, octet_at, result_of
from models.judgement.rules.causes import cause
from models.judgement.rules.clocks import ReportClock
from models.judgement.rules.turn import Turn
from models.report import AWAKE, OUT, StatusReport
from models.times import DAY
from models.window import Window

LATE_DAYS: Final = 8
_ALERT_OF: Final = {Result.SILENT: Kind.NO_REPORT, Result.NOT_AWAKE: Kind.NOT_AWAKE}


class Reading(Value, frozen=True):
    """A status report, read with the person's calendar (rule 3).

    clock: the report's clock.
    named: the window that the report names, if it may name it.
    counted: the windows that the report counts for.
    base: the window from which repairs (rule 6) and clearing (rule 9) go back.
    late: the report goes to history, and does nothing but tell emergencies (rule 17).
    window: for the history: the first of `counted`; of a late report the window that it names, if it may name it.
    """

    clock: ReportClock
    named: int | None
    counted: tuple[int, ...]
    base: int | None
    late: bool
    window: int | None
    says: Result | None  # awake or out

    @property
    def result(self) -> Result | None:
        return self.says or (Result.NOT_AWAKE if self.window is not None else None)


def said(report: StatusReport) -> Result | None:
    return Result.AWAKE if report.flags & AWAKE else Result.OUT if report.flags & OUT else None


def read(turn: Turn, report: StatusReport, clock: ReportClock) -> Reading:
    """Rule 3: for which windows a report counts, and whether it is late."""
    today, says = turn.today, said(report)
    calendar, named = about.calendar(turn.person), None if clock.names_none else report.window
    if named is not None and Window(named).day < today - LATE_DAYS:
        return Reading(clock=clock, named=None, counted=(), base=None, late=True, window=named, says=says)
    if named is not None and (Window(named).day > today or calendar.counting(named) is None):
        named = None
    device_time = clock.device_time
    if named is None and turn.now - device_time > DAY:
        return Reading(clock=clock, named=None, counted=(), base=None, late=True, window=None, says=says)
    if named is not None:
        counted: tuple[int, ...] = (named,)
    else:
        counted = tuple(calendar.covering(device_time)) if says else ()
    base = named if named is not None else calendar.latest_opened(device_time)
    return Reading(clock=clock, named=named, counted=counted, base=base, late=False,
                   window=counted[0] if counted else None, says=says)


def check_in(turn: Turn, report: StatusReport, reading: Reading, judged_until: int | None, first: int | None) -> None:
    """Rules 4, 6, 8 and 9 for a report that is not late. judged_until, first: as in `events.Standing`."""
    became_not_awake = False
    for window in reading.counted:
        if reading.says is not None:
            turn.take(window, reading.says)
        elif not about.excused(turn.person, Window(window).day):
            became_not_awake = turn.take(window, Result.NOT_AWAKE)
    repaired = _repair(turn, report, reading)
    named = reading.named
    if became_not_awake and named is not None and not is_pending(turn.person, named, judged_until, first):
        _not_awake(turn, named)
    _clear(turn, reading, repaired)


def _repair(turn: Turn, report: StatusReport, reading: Reading) -> frozenset[int]:
    """Rule 6. Returns the windows that the report repairs as awake or out."""
    person = turn.person
    if reading.base is None or (reading.named is None and reading.clock.flagged):
        return frozenset()
    earliest = (turn.today - LATE_DAYS) * 2
    reported = report.previous[:max(0, reading.base - earliest)]
    known = as_reported(person.results, reading.base, len(reported))
    to_clear = bool(person.alerts) and any(alert.window is not None for alert in person.alerts.values())
    if reported == known and not to_clear:
        return frozenset()  # the usual case: the results are known already, and there is no alert to clear
    fine = set()
    for back, (code, known_code) in enumerate(zip(reported, known, strict=True), start=1):
        window, result = reading.base - back, REPORTED[code]
        if result is None or (code == known_code and not to_clear):
            continue
        if about.calendar(person).counting(window) is None:
            continue
        if result is not Result.NOT_AWAKE:
            fine.add(window)
        elif about.excused(person, Window(window).day):
            continue
        turn.take(window, result, repaired=True)
    return frozenset(fine)


def is_pending(person: Person, window: int, judged_until: int | None, first: int | None) -> bool:
    """Whether the deadline of a window is still to come: then `not_awake` is no news before it (rule 8).

    judged_until, first: as in `events.Standing`.
    """
    judged = about.judged_until(person, judged_until)
    span = about.calendar(person, first).judged_span(window)
    return judged is not None and span is not None and span.deadline > judged


def may_open(person: Person, kind: Kind, window: int) -> bool:
    """Rule 8: no alert opens where a later window is awake or out, or where the window has that alert already."""
    return not about.awake_after(person, window) and not about.has_alert(person, kind, str(Window(window)))


def _not_awake(turn: Turn, window: int) -> None:
    """Rule 8: the alert takes the place of the window's `no_report`."""
    person = turn.person
    silent = person.alerts.get(alert_id(person.subject, Kind.NO_REPORT, str(Window(window))))
    if may_open(person, Kind.NOT_AWAKE, window):
        turn.open(Kind.NOT_AWAKE, str(Window(window)), Severity.WARNING, Likely.PERSON, window=window,
                  held=silent is not None and silent.held)
    if silent is not None:
        turn.clear(silent, ClearReason.LATE_REPORT)


def _clear(turn: Turn, reading: Reading, repaired: frozenset[int]) -> None:
    """Rule 9: a person who is up needs no alert for an earlier window.

    The reason says whether the report makes the alert's window itself awake or out in time.
    """
    if not turn.person.alerts:
        return
    through = max(repaired, default=-1)
    in_time = set(repaired)
    if reading.says is not None:
        through = max(through, -1 if reading.base is None else reading.base)
        for window in reading.counted:
            span = about.calendar(turn.person).span(window)
            if span is not None and reading.clock.device_time < span.deadline:
                in_time.add(window)
    for alert in list(turn.person.alerts.values()):
        if alert.kind in OF_A_WINDOW and alert.window is not None and alert.window <= through:
            turn.clear(alert, ClearReason.LATE_REPORT if alert.window in in_time else ClearReason.AWAKE_LATER)


def judge(turn: Turn, window: int, held_by: str | None, outage: str | None) -> None:
    """Rules 5 and 8, at the deadline: silence becomes a result, and unless excused silence and `not_awake` an alert.

    held_by: the incident that holds the alert (rule 18).
    outage: the open incident of the gateway's silence (rule 19).
    """
    person = turn.person
    octet = octet_at(person.results, window)
    if octet:
        if result_of(octet) is Result.NOT_AWAKE:
            _not_awake(turn, window)
        return
    if about.excused(person, Window(window).day):
        turn.take(window, Result.EXCUSED)
        return
    turn.take(window, Result.SILENT)
    open_no_report(turn, window, held_by, outage)


def open_no_report(turn: Turn, window: int, held_by: str | None, outage: str | None,
                   command: Command | None = None) -> None:
    """Rule 8, with the cause of rule 14. held_by, outage: as in `judge`. command: which opens it by rule 7."""
    if not may_open(turn.person, Kind.NO_REPORT, window):
        return
    span = about.calendar(turn.person).span(window)
    likely, evidence = cause(turn.person, window, 0 if span is None else span.open, held_by or outage)
    turn.open(Kind.NO_REPORT, str(Window(window)), Severity.WARNING, likely, evidence, window=window,
              held=held_by is not None, command=command)


def open_taken_back(turn: Turn, window: int, result: Result, outage: str | None,
                    command: Command | None) -> None:
    """Rule 7: the alert that an excuse had cleared is reopened; without one, the alert of rule 8 opens.

    result: `silent` or `not_awake`, which the window has again.
    """
    kind, reference = _ALERT_OF[result], str(Window(window))
    former = next((alert for alert in turn.person.closed if alert.kind is kind and alert.reference == reference
                   and alert.clear_reason is ClearReason.EXCUSED), None)
    if former is not None:
        turn.change(former, Change.REOPENED, command=command)
    elif result is Result.SILENT:
        open_no_report(turn, window, None, outage, command)
    elif may_open(turn.person, kind, window):
        turn.open(kind, reference, Severity.WARNING, Likely.PERSON, window=window, command=command)


def release(turn: Turn, alert_key: str) -> None:
    """Rule 20: an alert that is still held is released."""
    alert = turn.person.alerts.get(alert_key)
    if alert is not None and alert.held:
        turn.change(alert, Change.RELEASED)
