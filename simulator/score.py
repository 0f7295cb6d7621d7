"""Missed, false and late, from the simulator's truth and what a subscriber of `alerts` received; never from our state.

Missed: a truth with no alert whose time is at most 10 minutes after it could be known (the data's time, so a restart
delays nothing). False: an alert on a person about somebody awake or out of whom an SMS that says so was accepted before
the deadline; and an emergency that did not happen.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from models.times import parse_time
from simulator.truth import Due, Truth

SOON_S: Final = 10 * 60
_OF_A_WINDOW: Final = ("no_report", "not_awake")
_EMERGENCIES: Final = ("sos", "fire", "gas", "fall")


@dataclass(slots=True)
class Score:
    """missed: dues without an alert in time; late: those of them whose alert came after all; false: alert ids."""

    dues: int = 0
    missed: list[Due] = field(default_factory=list)
    late: list[Due] = field(default_factory=list)
    false: list[str] = field(default_factory=list)

    @property
    def perfect(self) -> bool:
        return not self.missed and not self.false


def score(truth: Truth, alerts: Iterable[Mapping[str, Any]]) -> Score:
    """alerts: CloudEvents of topic `alerts`, in any order, repeats included."""
    result = Score(dues=len(truth.dues))
    fine = {(one.subject, one.window) for one in truth.fine}
    told: dict[tuple[int, str, str | None], list[int]] = defaultdict(list)
    false: dict[str, None] = {}
    for alert in alerts:
        data = alert["data"]
        kind, window = data["kind"], data["window"]
        if data["change"] not in ("opened", "held", "reopened", "repeated") or not alert["subject"].isdecimal():
            continue
        subject = int(alert["subject"])
        told[subject, kind, window].append(parse_time(alert["time"], "time"))
        if (kind in _OF_A_WINDOW and (subject, window) in fine and not _was_asleep(truth, subject, window, kind)) or (
                kind in _EMERGENCIES and (subject, kind) not in truth.possible):
            false[data["alert"]] = None
    for due in truth.dues:
        times = told.get((due.subject, due.kind, due.window), [])
        if not any(at <= due.knowable_at + SOON_S for at in times):
            result.missed.append(due)
            if times:
                result.late.append(due)
    result.false = list(false)
    return result


def _was_asleep(truth: Truth, subject: int, window: str, kind: str) -> bool:
    """A person reported asleep first and up later, both in time: the alert of the first was right."""
    return any(due.subject == subject and due.window == window and due.kind == kind for due in truth.dues)
