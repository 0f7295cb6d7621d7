"""The commands of caseworkers (rule 15), and planned absence by command or registry (rule 7)."""

from collections.abc import Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from models.contract.alerts import OF_A_WINDOW, Alert, Change, ClearReason, Kind
from models.contract.command import Command, CommandType
from models.contract.effects import Result
from models.errors import Rejected, RejectReason
from models.judgement import about
from models.judgement.person import Override, Person
from models.judgement.results import result_of, windows_of
from models.judgement.rules.turn import Turn
from models.profile import Excuse
from models.window import Window

REMEMBERED: Final = 64


def digest(command_id: str) -> bytes:
    return blake2b(command_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def obey(turn: Turn, command: Command) -> None:
    """Obey a command, unless its id is among the person's last 64. A command that is too late: `stale_command`."""
    known = digest(command.id)
    if known in turn.person.commands:
        return
    turn.person.commands = (*turn.person.commands, known)[-REMEMBERED:]
    if command.first is not None and command.last is not None:
        excused = command.type is CommandType.EXCUSE
        _override(turn.person, Override(command.first, command.last, excused))
        if excused:
            excuse(turn, [Excuse(command.first, command.last)], by=command.by, text=command.text)
        return
    alert = turn.person.alerts.get(command.alert or "")
    if alert is None or not _change(turn, command, alert):
        turn.effects.append(Rejected(RejectReason.STALE_COMMAND, command.alert or ""))


def _change(turn: Turn, command: Command, alert: Alert) -> bool:
    match command.type:
        case CommandType.ACKNOWLEDGE:
            if alert.acknowledged_by is None:
                turn.change(alert, Change.ACKNOWLEDGED, by=command.by, text=command.text)
            return alert.acknowledged_by in (None, command.by)
        case CommandType.ASSIGN:
            turn.change(alert, Change.ASSIGNED, by=command.by, text=command.text, assignee=command.assignee)
        case CommandType.COMMENT:
            turn.change(alert, Change.COMMENTED, by=command.by, text=command.text)
        case _:
            turn.clear(alert, ClearReason.RESOLVED, by=command.by, text=command.text)
    return True


def _override(person: Person, new: Override) -> None:
    """A command replaces earlier commands on its dates: the overrides stay disjoint and in order of dates."""
    kept = [new]
    for old in person.overrides:
        if old.first < new.first:
            kept.append(replace(old, last=min(old.last, new.first - 1)))
        if old.last > new.last:
            kept.append(replace(old, first=max(old.first, new.last + 1)))
    person.overrides = tuple(sorted(kept, key=attrgetter("first")))


def excuse(turn: Turn, excuses: Sequence[Excuse], *, by: str | None = None, text: str | None = None) -> None:
    """Rule 7: excuses count at once, for results and alerts of their dates; for inactivity, if they excuse today."""
    person = turn.person

    def excused(day: int) -> bool:
        return any(one.first <= day <= one.last for one in excuses) and about.excused(person, day)

    for window, octet in windows_of(person.results):
        if result_of(octet) in (Result.SILENT, Result.NOT_AWAKE) and excused(Window(window).day):
            turn.take(window, Result.EXCUSED)
    today = excused(turn.today)
    for alert in list(person.alerts.values()):
        of_date = alert.kind in OF_A_WINDOW and alert.window is not None and excused(Window(alert.window).day)
        if of_date or (alert.kind is Kind.INACTIVITY and today):
            turn.clear(alert, ClearReason.EXCUSED, by=by, text=text)


def retire(turn: Turn) -> None:
    """Rule 7, last sentence: a retired or erased person has no alerts."""
    for alert in list(turn.person.alerts.values()):
        turn.clear(alert, ClearReason.RETIRED)
