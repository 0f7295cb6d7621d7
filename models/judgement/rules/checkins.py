"""Windows and check-ins: rules 3 to 6, and the alerts of a window, rules 8 and 9.

A report counts for the window that it names, whatever its clock says. A report that names no window counts by its
device time.
"""

from typing import Final

from models.base import Value
from models.contract.alerts import OF_A_WINDOW, Change, ClearReason, Kind, Likely, Severity, alert_id
from models.contract.effects import Result
from models.judgement import about
from models.judgement.person import Person
from models.judgement.results import REPORTED, as_reported, octet_at
from models.judgement.rules.turn import Turn
from models.report import AWAKE, OUT, StatusReport
from models.times import DAY
from models.window import Window

LATE_DAYS: Final = 8
BATTERY_NEARLY_EMPTY: Final = 20  # percent; below it the device is the likely cause (rule 14)
SIGNAL_NEARLY_WEAK: Final = 3  # dB above the limit; up to it the device is the likely cause (rule 14)


class Reading(Value, frozen=True):
    """A status report, read with the person's calendar (rule 3).

    device_time: epoch seconds, never later than the arrival; the arrival if the clock is unknown.
    clock_wrong: the report gets the flag `clock`.
    named: the window that the report names, if it may name it.
    counted: the windows that the report counts for.
    base: the window from which repairs (rule 6) and clearing (rule 9) go back.
    late: the report goes to history, and does nothing but tell emergencies (rule 17).
    window: for the history: the first of `counted`; of a late report the window that it names, if it may name it.
    """

    device_time: int
    clock_wrong: bool
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


def read(turn: Turn, report: StatusReport) -> Reading:
    """Rule 3 and the section "Clocks": for which windows a report counts, and whether it is late."""
    now, today = turn.now, turn.today
    clock = report.device_time
    device_time = now if clock is None else min(clock, now)
    clock_wrong = clock is None or abs(clock - now) > DAY
    says = said(report)
    calendar, named = about.calendar(turn.person), report.window
    if named is not None and Window(named).day < today - LATE_DAYS:
        return Reading(
            device_time=device_time, clock_wrong=clock_wrong, named=None, counted=(), base=None, late=True,
            window=named, says=says,
        )
    if named is not None and (Window(named).day > today or calendar.counting(named) is None):
        named = None
    if named is None and now - device_time > DAY:
        return Reading(
            device_time=device_time, clock_wrong=clock_wrong, named=None, counted=(), base=None, late=True,
            window=None, says=says,
        )
    if named is not None:
        counted: tuple[int, ...] = (named,)
    else:
        counted = tuple(calendar.covering(device_time)) if says else ()
    base = named if named is not None else calendar.latest_opened(device_time)
    return Reading(
        device_time=device_time, clock_wrong=clock_wrong, named=named, counted=counted, base=base, late=False,
        window=counted[0] if counted else None, says=says,
    )


def check_in(turn: Turn, report: StatusReport, reading: Reading) -> None:
    """Rules 4, 6, 8 and 9 for a report that is not late."""
    became_not_awake = False
    for window in reading.counted:
        if reading.says is not None:
            turn.take(window, reading.says)
        elif not about.excused(turn.person, Window(window).day):
            became_not_awake = turn.take(window, Result.NOT_AWAKE)
    repaired = _repair(turn, report, reading)
    if became_not_awake and reading.named is not None:
        _not_awake(turn, reading.named)
    _clear(turn, reading, repaired)


def _repair(turn: Turn, report: StatusReport, reading: Reading) -> frozenset[int]:
    """Rule 6. Returns the windows that the report repairs as awake or out."""
    person = turn.person
    if reading.base is None or (reading.named is None and reading.clock_wrong):
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


def _not_awake(turn: Turn, window: int) -> None:
    """Rule 8: the alert takes the place of the window's `no_report`."""
    person = turn.person
    silent = person.alerts.get(alert_id(person.subject, Kind.NO_REPORT, str(Window(window))))
    if not about.awake_after(person, window):
        turn.open(Kind.NOT_AWAKE, str(Window(window)), Severity.WARNING, Likely.PERSON, window=window)
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
            if span is not None and reading.device_time < span.deadline:
                in_time.add(window)
    for alert in list(turn.person.alerts.values()):
        if alert.kind in OF_A_WINDOW and alert.window is not None and alert.window <= through:
            turn.clear(alert, ClearReason.LATE_REPORT if alert.window in in_time else ClearReason.AWAKE_LATER)


def judge(turn: Turn, window: int, held_by: str | None, outage: str | None) -> None:
    """Rule 5, at the deadline: silence becomes a result, and unless excused an alert.

    held_by: the incident that holds the alert (rule 18).
    outage: the open incident of the gateway's silence (rule 19).
    """
    person = turn.person
    if octet_at(person.results, window):
        return
    if about.excused(person, Window(window).day):
        turn.take(window, Result.EXCUSED)
        return
    turn.take(window, Result.SILENT)
    if about.awake_after(person, window):
        return
    incident = held_by or outage
    likely, evidence = (Likely.GATEWAY, (incident,)) if incident else _attribute(person)
    turn.open(Kind.NO_REPORT, str(Window(window)), Severity.WARNING, likely, evidence, window=window,
              held=held_by is not None)


def _attribute(person: Person) -> tuple[Likely, tuple[str, ...]]:
    """Rule 14: the likely cause is the device if the newest report says so, else the person; with the evidence."""
    newest, limit = person.newest, person.profile.thresholds.signal_dbm
    if newest is None:
        return Likely.PERSON, ()
    evidence = []
    if newest.mains_lost:
        evidence.append("mains lost")
    if newest.battery_pct is not None and newest.battery_pct < BATTERY_NEARLY_EMPTY:
        evidence.append(f"battery {newest.battery_pct} %")
    if newest.signal_dbm is not None and newest.signal_dbm <= limit + SIGNAL_NEARLY_WEAK:
        evidence.append(f"signal {newest.signal_dbm} dBm")
    return (Likely.DEVICE if evidence else Likely.PERSON), tuple(evidence)


def release(turn: Turn, alert_key: str) -> None:
    """Rule 20: an alert that is still held is released."""
    alert = turn.person.alerts.get(alert_key)
    if alert is not None and alert.held:
        turn.change(alert, Change.RELEASED)
