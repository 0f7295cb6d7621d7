"""One incident instead of four hundred alarms: what a lane keeps of a gateway's outage while the outage is open."""

from models.base import Stored
from models.times import format_time


class Incident(Stored, frozen=True):
    """An open `gateway_outage` of one lane.

    deadline: the deadline at which too many people were silent (rule 18); None: the gateway fell silent (rule 19).
    last_tick: the last tick of the gateway (rule 19); None for rule 18.
    people: the number of people that were due at the deadline (rule 18).
    silent: (subject, window) of the people that were silent at the deadline.
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
