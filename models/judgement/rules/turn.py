"""A turn applies one event to one person: through it the rules write to a copy of the person, and to the effects.

So every change of an alert goes through the table in `alerts`, and every change of a result through rule 4.
"""

from typing import Final

from models.contract.alerts import Alert, Change, ClearReason, Kind, Likely, Severity, alert_id
from models.contract.effects import AlertRevised, CheckedIn, Effect, Result
from models.judgement import about
from models.judgement.person import Person
from models.judgement.results import RANKS, octet_at, octet_of, result_of, with_octet

REOPENED_WITHIN: Final = 30 * 60


class Turn:
    """One event's turn on one person.

    person: the copy whose fields the rules assign.
    now: the time of the event, epoch seconds.
    today: the person's local date at that time, days since 2020-01-01.
    effects: the effects of the event, in order.
    """

    __slots__ = ("effects", "now", "person", "today")

    def __init__(self, person: Person, now: int) -> None:
        self.person = person
        self.now = now
        self.today = about.today(person, now)
        self.effects: list[Effect] = []

    def take(self, window: int, result: Result, *, repaired: bool = False) -> bool:
        """Rule 4: a better result replaces a worse one. Returns whether the window's result changed."""
        person = self.person
        octet = octet_at(person.results, window)
        previous = result_of(octet) if octet else None
        if previous is not None and RANKS[result] >= RANKS[previous]:
            return False
        revision = (octet >> 3) + 1
        person.results = with_octet(person.results, window, octet_of(result, revision))
        self.effects.append(CheckedIn(
            subject=person.subject, site=person.profile.site, window=window, revision=revision, result=result,
            previous=previous, repaired=repaired, at=self.now,
        ))
        return True

    def open(self, kind: Kind, reference: str, severity: Severity, likely: Likely, evidence: tuple[str, ...] = (), *,
             window: int | None = None, slot: int | None = None, held: bool = False) -> None:
        alert = Alert(kind, reference, severity, likely, evidence, window=window, slot=slot)
        self.change(alert, Change.HELD if held else Change.OPENED)

    def open_or_reopen(self, kind: Kind, reference: str, severity: Severity, likely: Likely,
                       evidence: tuple[str, ...], slot: int) -> None:
        """Rule 15: an alert that opens again at most 30 minutes after it was cleared is reopened under its id."""
        former = self._take_closed(kind, slot)
        if former is not None and former.cleared_at is not None and self.now - former.cleared_at <= REOPENED_WITHIN:
            self.change(former, Change.REOPENED, severity=severity)
        else:
            self.open(kind, reference, severity, likely, evidence, slot=slot)

    def change(self, alert: Alert, change: Change, *, by: str | None = None, text: str | None = None,
               severity: Severity | None = None, escalated_to: str | None = None, assignee: str | None = None,
               reason: ClearReason | None = None) -> None:
        """Write one revision of an alert to the state and to the effects."""
        person = self.person
        alert = alert.change(change, self.now, by=by, severity=severity, escalated_to=escalated_to, assignee=assignee)
        key = alert_id(person.subject, alert.kind, alert.reference)
        if alert.active:
            person.alerts = {**person.alerts, key: alert}
        else:
            person.alerts = {other: one for other, one in person.alerts.items() if other != key}
            if alert.slot is not None and (alert.kind is Kind.INACTIVITY or alert.likely is Likely.DEVICE):
                self._take_closed(alert.kind, alert.slot)
                person.closed = (*person.closed, alert)
        self.effects.append(AlertRevised(
            subject=person.subject, site=person.profile.site, tz=person.profile.schedule.tz, alert=alert,
            change=change, at=self.now, by=by, text=text, escalated_to=escalated_to, reason=reason,
        ))

    def clear(self, alert: Alert, reason: ClearReason, *, by: str | None = None, text: str | None = None) -> None:
        self.change(alert, Change.CLEARED, by=by, text=text, reason=reason)

    def _take_closed(self, kind: Kind, slot: int) -> Alert | None:
        """Remove and return the closed alert of a kind and slot; None: there is none."""
        closed = self.person.closed
        former = next((alert for alert in closed if alert.kind is kind and alert.slot == slot), None)
        if former is not None:
            self.person.closed = tuple(alert for alert in closed if alert is not former)
        return former
