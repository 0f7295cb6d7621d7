"""Changes by time while an alert is not acknowledged: rule 8 (raised after 60 minutes) and rule 16 (escalation)."""

from collections.abc import Iterator
from typing import Final

from models.contract.alerts import OF_A_WINDOW, Alert, Change, Phase, Severity
from models.judgement.person import Person
from models.judgement.rules.turn import Turn

RAISED_AFTER: Final = 60 * 60


def _steps(person: Person, alert: Alert) -> Iterator[tuple[int, int, str | None]]:
    """(due, order, to) of the changes to come of an alert.

    due: epoch seconds.
    order: the order of changes that are due at the same time.
    to: whom the alert is escalated to; None: `raised`, which goes before an equal step.
    """
    if alert.phase is not Phase.OPEN or alert.severity is Severity.MAINTENANCE:
        return
    if alert.kind in OF_A_WINDOW and alert.severity is Severity.WARNING:
        yield alert.start + RAISED_AFTER, 0, None
    escalations = set(alert.escalations)
    for order, step in enumerate(sorted(person.profile.escalation, key=lambda step: step.after_min), start=1):
        if step.to not in escalations:
            escalations.add(step.to)
            yield alert.start + step.after_min * 60, order, step.to


def next_timer(person: Person) -> int | None:
    """When the next change by rule 8 or 16 is due, in epoch seconds; None: no change is due."""
    return min((due for alert in person.alerts.values() for due, _, _ in _steps(person, alert)), default=None)


def tick(turn: Turn) -> None:
    """Make the changes that are due at this tick; those of one alert in order of time."""
    person = turn.person
    for key, alert in list(person.alerts.items()):
        for due, _, to in sorted(_steps(person, alert), key=lambda step: step[:2]):
            if due > turn.now:
                break
            current = person.alerts[key]
            if to is None:
                turn.change(current, Change.RAISED, severity=Severity.CRITICAL)
            else:
                turn.change(current, Change.ESCALATED, escalated_to=to)
