"""The commands of caseworkers (rule 15)."""

from hashlib import blake2b
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from models.contract.alerts import ONE_A_PERSON, Alert, Change, ClearReason, alert_id
from models.contract.command import Command, CommandType
from models.contract.effects import CommandRefused, RefusalReason
from models.judgement import about
from models.judgement.events import Standing
from models.judgement.gateway import COMMANDS_KEPT
from models.judgement.person import Override, Person
from models.judgement.rules import absences
from models.judgement.rules.turn import Turn
from models.profile import Excuse
from models.times import DAY

CHANGES: Final = {
    CommandType.ACKNOWLEDGE: Change.ACKNOWLEDGED,
    CommandType.UNACKNOWLEDGE: Change.UNACKNOWLEDGED,
    CommandType.ASSIGN: Change.ASSIGNED,
    CommandType.COMMENT: Change.COMMENTED,
    CommandType.RESOLVE: Change.CLEARED,
}


def digest(command_id: str) -> bytes:
    return blake2b(command_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def obey(turn: Turn, command: Command, standing: Standing) -> None:
    """Obey a command, unless its id is among the person's last 64. A command that does nothing is answered."""
    known = digest(command.id)
    if known in turn.person.commands:
        return
    turn.person.commands = (*turn.person.commands, known)[-COMMANDS_KEPT:]
    if command.first is not None and command.last is not None:
        excused = command.type is CommandType.EXCUSE
        _override(turn.person, Override(command.first, command.last, excused))
        if excused:
            absences.excuse(turn, [Excuse(command.first, command.last)], command)
        else:
            absences.take_back(turn, standing, command)
        return
    refusal = _reopen(turn, command) if command.type is CommandType.REOPEN else _change(turn, command)
    if refusal is not None:
        turn.effects.append(CommandRefused(command, refusal))


def _change(turn: Turn, command: Command) -> RefusalReason | None:
    """Change an active alert. Returns why the command did nothing."""
    alert = turn.person.alerts.get(command.alert or "")
    if alert is None:
        return RefusalReason.NOT_OPEN
    change, reason, assignee = CHANGES[command.type], None, None
    match change:
        case Change.ACKNOWLEDGED if alert.acknowledged_by is not None:
            return None if alert.acknowledged_by == command.by else RefusalReason.ALREADY_ACKNOWLEDGED
        case Change.UNACKNOWLEDGED if alert.acknowledged_by is None:
            return RefusalReason.NOT_ACKNOWLEDGED
        case Change.ASSIGNED:
            assignee = command.assignee
        case Change.CLEARED:
            reason = ClearReason.RESOLVED
    turn.change(alert, change, assignee=assignee, reason=reason, command=command)
    return None


def _reopen(turn: Turn, command: Command) -> RefusalReason | None:
    """Reopen an alert that `resolve` cleared less than a day ago. Returns why the command did nothing."""
    person = turn.person
    for alert in person.closed:
        if (alert_id(person.subject, alert.kind, alert.reference) == command.alert
                and alert.clear_reason is ClearReason.RESOLVED
                and alert.cleared_at is not None and turn.now - alert.cleared_at < DAY
                and not _is_taken(person, alert)):
            turn.change(alert, Change.REOPENED, command=command)
            return None
    return RefusalReason.NOT_REOPENED


def _is_taken(person: Person, closed: Alert) -> bool:
    """Whether another alert is active of a kind of which a person, or for maintenance a slot, has one at a time."""
    if closed.kind in ONE_A_PERSON:
        return about.find_alert(person, closed.kind) is not None
    return closed.window is None and about.find_alert(person, closed.kind, closed.slot) is not None


def _override(person: Person, new: Override) -> None:
    """A command replaces earlier commands on its dates: the overrides stay disjoint and in order of dates."""
    kept = [new]
    for old in person.overrides:
        if old.first < new.first:
            kept.append(replace(old, last=min(old.last, new.first - 1)))
        if old.last > new.last:
            kept.append(replace(old, first=max(old.first, new.last + 1)))
    person.overrides = tuple(sorted(kept, key=attrgetter("first")))
