"""A turn applies one event to one person: through it the rules write to a copy of the person, and to the effects.

So every change of an alert goes through the table in `alerts`, and every change of a result through rule 4.
"""

from typing import Final

from models.contract.alerts import Alert, Change, ClearReason, Kind, Likely, Severity, alert_id
from models.contract.command import Command
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
        self._check_in(window, octet, result, previous, repaired=repaired)
        return True

    def take_back(self, window: int, replaced: Result) -> None:
        """Rule 7: `excused` becomes again what it replaced."""
        self._check_in(window, octet_at(self.person.results, window), replaced, Result.EXCUSED, repaired=False)

    def _check_in(self, window: int, octet: int, result: Result, previous: Result | None, *, repaired: bool) -> None:
        """octet: of the result so far."""
        person, revision = self.person, (octet >> 3) + 1
        person.results = with_octet(person.results, window, octet_of(result, revision, previous))
        self.effects.append(CheckedIn(
            subject=person.subject, site=person.profile.site, window=window, revision=revision, result=result,
            previous=previous, repaired=repaired, at=self.now,
        ))

    def open(self, kind: Kind, reference: str, severity: Severity, likely: Likely, evidence: tuple[str, ...] = (), *,
             window: int | None = None, slot: int | None = None, held: bool = False,
             command: Command | None = None) -> None:
        alert = Alert(kind, reference, severity, likely, evidence, window=window, slot=slot,
                      last_heard_at=self.person.last_heard_at)
        self.change(alert, Change.HELD if held else Change.OPENED, command=command)

    def open_or_reopen(self, kind: Kind, reference: str, severity: Severity, likely: Likely,
                       evidence: tuple[str, ...], slot: int) -> None:
        """Rule 15: an alert that opens again at most 30 minutes after it was cleared is reopened under its id."""
        of_slot = [alert for alert in self.person.closed if alert.kind is kind and alert.slot == slot]
        former = of_slot[-1] if of_slot else None
        if former is not None and former.cleared_at is not None and self.now - former.cleared_at <= REOPENED_WITHIN:
            self.change(former, Change.REOPENED, severity=severity)
        else:
            self.open(kind, reference, severity, likely, evidence, slot=slot)

    def change(self, alert: Alert, change: Change, *, severity: Severity | None = None,
               escalated_to: str | None = None, assignee: str | None = None, reason: ClearReason | None = None,
               command: Command | None = None) -> None:
        """Write one revision of an alert to the state and to the effects. command: the cause of the revision."""
        person, former = self.person, alert
        said = None if change is Change.OPENED else command  # the rules open an alert, not the caseworker
        by = None if said is None else said.by
        alert = alert.change(change, self.now, by=by, severity=severity, escalated_to=escalated_to, assignee=assignee,
                             reason=reason)
        key = alert_id(person.subject, alert.kind, alert.reference)
        if alert.active:
            if change is Change.REOPENED:
                person.closed = tuple(one for one in person.closed if one is not former)
            person.alerts = {**person.alerts, key: alert}
        else:
            person.alerts = {other: one for other, one in person.alerts.items() if other != key}
            person.closed = (*(one for one in person.closed if not _replaces(alert, one)), alert)
        self.effects.append(AlertRevised(
            subject=person.subject, site=person.profile.site, tz=person.profile.schedule.tz, alert=alert,
            change=change, at=self.now, by=by, text=None if said is None else said.text,
            escalated_to=escalated_to, reason=reason, command=None if command is None else command.id,
            outcome=None if command is None else command.outcome,
        ))

    def clear(self, alert: Alert, reason: ClearReason) -> None:
        self.change(alert, Change.CLEARED, reason=reason)


def _replaces(closed: Alert, former: Alert) -> bool:
    """Whether a closed alert takes the place of one closed before: of a kind and slot the last one is enough.

    Alerts of windows, and alerts that a command has cleared, stay: a command may reopen each of them (rules 7 and 15).
    """
    return (former.kind is closed.kind and former.slot == closed.slot and former.window is None
            and former.clear_reason is not ClearReason.RESOLVED)
