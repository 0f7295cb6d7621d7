"""One incident instead of four hundred alarms: what a lane remembers of a gateway's outage while it is open."""

from models.base import Stored
from models.times import format_time


class Incident(Stored, frozen=True):
    """An open `gateway_outage` of one lane.

    deadline: the one at which too many were silent (rule 18), or None where the gateway itself fell silent (rule 19).
    last_tick: of the gateway, for rule 19.
    people: how many had that deadline; silent: (subject, window) of those who were silent then.
    """

    gateway: str
    deadline: int | None
    last_tick: int | None
    opened_at: int
    people: int = 0
    silent: tuple[tuple[int, int], ...] = ()
    revision: int = 1

    @property
    def id(self) -> str:
        if self.deadline is not None:
            return f"gateway_outage:{self.gateway}:{format_time(self.deadline)}"
        return f"gateway_outage:{self.gateway}:last:{format_time(self.last_tick or 0)}"

    @property
    def evidence(self) -> str:
        if self.deadline is not None:
            return f"{len({subject for subject, _ in self.silent})} of {self.people} silent"
        return f"last tick {format_time(self.last_tick or 0)}"
