"""Planned absence by command or registry, its end, and people who are no longer looked after (rule 7)."""

from collections.abc import Sequence
from typing import Final

from models.contract.alerts import OF_A_WINDOW, Change, ClearReason, Kind
from models.contract.command import Command
from models.contract.effects import Result
from models.judgement import about
from models.judgement.events import Standing
from models.judgement.results import replaced_by_excuse, result_of, windows_of
from models.judgement.rules import checkins
from models.judgement.rules.turn import Turn
from models.profile import Excuse
from models.times import DAY
from models.window import Window

_OF_TODAY: Final = frozenset({Kind.INACTIVITY, Kind.LONG_OUT})


def excuse(turn: Turn, excuses: Sequence[Excuse], command: Command | None = None) -> None:
    """Excuses count at once: for results and alerts of their dates; if they excuse today, for alerts on activity.

    command: the command that excuses the dates; None: a registry record does.
    """
    person = turn.person

    def excused(day: int) -> bool:
        return any(one.first <= day <= one.last for one in excuses) and about.excused(person, day)

    for window, octet in windows_of(person.results):
        if result_of(octet) in (Result.SILENT, Result.NOT_AWAKE) and excused(Window(window).day):
            turn.take(window, Result.EXCUSED)
    today = excused(turn.today)
    for alert in list(person.alerts.values()):
        of_date = alert.kind in OF_A_WINDOW and alert.window is not None and excused(Window(alert.window).day)
        if of_date or (alert.kind in _OF_TODAY and today):
            turn.change(alert, Change.CLEARED, reason=ClearReason.EXCUSED, command=command)


def take_back(turn: Turn, standing: Standing, command: Command | None = None) -> None:
    """Undo an excuse that has ended: each window of its dates has again the result that the excuse had replaced.

    The alert of such a window comes back only if its deadline has been judged and is less than a day old, and if no
    later window is awake or out. A retired person gets no alert back.

    standing: where the person's gateway stands.
    command: the command that ended the excuse; None: a registry record ended it.
    """
    person = turn.person
    ended = [(window, result) for window, octet in windows_of(person.results)
             if (result := replaced_by_excuse(octet)) is not None and not about.excused(person, Window(window).day)]
    for window, result in ended:
        turn.take_back(window, result)
    for window, result in ended:
        span = about.calendar(person, standing.first).span(window)
        if span is None or person.profile.retired or checkins.is_pending(
                person, window, standing.judged_until, standing.first):
            continue
        if turn.now - span.deadline < DAY and not about.awake_after(person, window):
            checkins.open_taken_back(turn, window, result, standing.outage, command)


def retire(turn: Turn) -> None:
    """A retired or erased person has no alerts."""
    for alert in list(turn.person.alerts.values()):
        turn.clear(alert, ClearReason.RETIRED)
