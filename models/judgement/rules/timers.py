"""Changes by time: rule 8 (raised after 60 minutes), rule 16 (escalation) and rule 25 (reminders)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from models.contract.alerts import OF_A_WINDOW, Alert, Change, Kind, Phase, Severity
from models.judgement.person import Person
from models.judgement.rules.turn import Turn
from models.profile import REMINDERS

RAISED_AFTER: Final = 60 * 60


class _Step(NamedTuple):
    """A change to come of an unacknowledged alert, by rule 8 or 16.

    due: epoch seconds.
    order: the order of changes that are due at the same time.
    to: whom the alert is escalated to; None: `raised`, which goes before an equal step.
    """

    due: int
    order: int
    to: str | None


def _steps(person: Person, alert: Alert) -> Iterator[_Step]:
    if alert.phase is not Phase.OPEN or alert.severity is Severity.MAINTENANCE:
        return
    if alert.kind in OF_A_WINDOW and alert.severity is Severity.WARNING:
        yield _Step(alert.start + RAISED_AFTER, 0, None)
    escalations = set(alert.escalations)
    for order, step in enumerate(sorted(person.profile.escalation, key=lambda step: step.after_min), start=1):
        if step.to not in escalations:
            escalations.add(step.to)
            yield _Step(alert.start + step.after_min * 60, order, step.to)


def _reminder(person: Person, alert: Alert) -> int | None:
    """Rule 25: when the next reminder is due; None: no reminder."""
    if alert.held or alert.severity is not Severity.CRITICAL:
        return None
    if alert.window is not None and any(other.window is not None and other.window > alert.window
                                        for other in person.alerts.values()):
        return None
    urgent = alert.phase is Phase.OPEN and alert.kind is not Kind.NO_REPORT
    remind = person.profile.remind or REMINDERS
    minutes = remind.urgent_min if urgent else remind.other_min
    if minutes == 0:
        return None
    since = max(alert.start, alert.urged_at or alert.start)
    if alert.phase is Phase.ACKNOWLEDGED:  # states before version 3 do not have the time
        since = alert.attended_at or alert.acknowledged_at or since
    return since + minutes * 60


def next_timer(person: Person) -> int | None:
    """When the next change by time is due, in epoch seconds; None: no change is due."""
    due = [step.due for alert in person.alerts.values() for step in _steps(person, alert)]
    due += [at for alert in person.alerts.values() if (at := _reminder(person, alert)) is not None]
    return min(due, default=None)


def tick(turn: Turn) -> None:
    """Make the changes that are due at this tick: of each alert the steps in order of time, then one reminder.

    A step counts for the reminder: an alert that was escalated just now needs none.
    """
    person = turn.person
    for key, alert in list(person.alerts.items()):
        for step in sorted(_steps(person, alert), key=lambda step: step[:2]):
            if step.due > turn.now:
                break
            current = person.alerts[key]
            if step.to is None:
                turn.change(current, Change.RAISED, severity=Severity.CRITICAL)
            else:
                turn.change(current, Change.ESCALATED, escalated_to=step.to)
        reminder = _reminder(person, person.alerts[key])
        if reminder is not None and reminder <= turn.now:
            turn.change(person.alerts[key], Change.REMINDED)
