"""One incident instead of four hundred alarms: what a lane keeps of a gateway's outage while the outage is open."""

import re
from typing import Final

from models.base import Stored
from models.times import format_time

_ID: Final = re.compile(r"gateway_outage:(.+?):(?:last:)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def gateway_of(alert: str) -> str | None:
    """The gateway that the id of an incident names; None: the id is that of another alert."""
    match = _ID.fullmatch(alert)
    return None if match is None else match[1]


class Incident(Stored, frozen=True):
    """An open `gateway_outage` of one lane.

    deadline: the deadline at which too many people were silent (rule 18); None: the gateway fell silent (rule 19).
    last_tick: the last tick of the gateway (rule 19); None for rule 18.
    people: the number of people due at the deadline.
    silent: (subject, window) of the people silent at the deadlines judged since the opening, this one included.
    due: the people due at the deadlines noted since the opening (rule 20); none in states before version 3.
    noted: (silent, due), the numbers of people of the 60 minutes up to the deadline, which opened it (rule 18); None:
    `silent` and `people` of that deadline alone, as states before version 3 have it.
    acknowledged_by: the first caseworker to acknowledge the incident in this lane.
    assignee: the caseworker to whom it was assigned last.
    quiet_since: the gateway had accepted no frame after that time, if that was a reason (rule 18 b).
    """

    gateway: str
    deadline: int | None
    last_tick: int | None
    opened_at: int
    people: int = 0
    silent: tuple[tuple[int, int], ...] = ()
    revision: int = 1
    due: tuple[int, ...] = ()
    noted: tuple[int, int] | None = None
    quiet_since: int | None = None
    acknowledged_by: str | None = None
    assignee: str | None = None

    @property
    def id(self) -> str:
        if self.deadline is not None:
            return f"gateway_outage:{self.gateway}:{format_time(self.deadline)}"
        return f"gateway_outage:{self.gateway}:last:{format_time(self.last_tick or 0)}"

    @property
    def counts(self) -> tuple[int, int]:
        """(silent, due): the numbers of people that opened the incident (rule 18)."""
        return self.noted or (len({subject for subject, _ in self.silent}), self.people)

    @property
    def evidence(self) -> tuple[str, ...]:
        if self.deadline is None:
            return (f"last tick {format_time(self.last_tick or 0)}",)
        silent, due = self.counts
        quiet = () if self.quiet_since is None else (f"no SMS since {format_time(self.quiet_since)}",)
        return (f"{silent} of {due} silent", *quiet)
