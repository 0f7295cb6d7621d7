"""Alerts on the person by what the reports tell of activity: no activity (rule 10), and out for long (rule 24)."""

from models.contract.alerts import Change, ClearReason, Kind, Likely, Severity
from models.contract.effects import Result
from models.judgement import about
from models.judgement.rules.clocks import Origin
from models.judgement.rules.turn import Turn
from models.report import StatusReport
from models.times import DAY


def inactivity(turn: Turn, report: StatusReport, says: Result | None, device_time: int, origin: Origin) -> None:
    """Rule 10: the time since the latest activity, by the device times of all devices of the person."""
    person = turn.person
    if says is not None:
        activity = device_time
    elif report.idle_min is not None:
        activity = device_time - report.idle_min * 60
    else:
        return
    person.device_time = device_time if person.device_time is None else max(person.device_time, device_time)
    person.activity = activity if person.activity is None else max(person.activity, activity)
    idle = person.device_time - person.activity
    _by_duration(turn, Kind.INACTIVITY, origin, idle, person.profile.thresholds.idle_h * 3600, DAY)


def long_out(turn: Turn, report: StatusReport, says: Result | None, origin: Origin) -> None:
    """Rule 24: a person who went out has not come home for `out_h` hours."""
    if says is Result.AWAKE:
        _by_duration(turn, Kind.LONG_OUT, origin, 0, 1, 1)
    elif says is Result.OUT and report.idle_min is not None:
        limit = turn.person.profile.thresholds.out_h * 3600
        if report.idle_min * 60 >= limit:
            _by_duration(turn, Kind.LONG_OUT, origin, report.idle_min * 60, limit, 2 * limit)


def _by_duration(turn: Turn, kind: Kind, origin: Origin, seconds: int, warning: float, critical: float) -> None:
    """Open, raise or clear the alert of a kind by a duration, in seconds.

    warning, critical: from these durations on. On an excused date the alert is neither opened nor raised.
    """
    if seconds < warning and not turn.person.alerts:
        return  # the usual case
    alert = about.find_alert(turn.person, kind)
    if seconds < warning:
        if alert is not None:
            turn.clear(alert, ClearReason.RECOVERED)
        return
    if about.excused(turn.person, turn.today):
        return
    if alert is None:
        turn.open_or_reopen(kind, origin.reference, Severity.WARNING, Likely.PERSON, (), origin.slot)
        alert = about.find_alert(turn.person, kind)
    if alert is not None and seconds >= critical and alert.severity is Severity.WARNING:
        turn.change(alert, Change.RAISED, severity=Severity.CRITICAL)
