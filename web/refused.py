"""A command that did nothing is answered by a record: the page tells the caseworkers, in words, for some minutes.

Every lane gets a command on an outage, and the outage may be open in some lanes alone. So such a command did nothing
only if all lanes say so.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from models.errors import ContractError
from models.json_object import JsonView
from models.times import parse_time

KEPT: Final = 500
SHOWN_S: Final = 600


class RefusedCommand(NamedTuple):
    """A command that did nothing.

    subject: None for a command on an outage, which has a gateway and a lane instead.
    command: the type of the command; a newer worker may know more of them.
    at: when the caseworker acted, epoch seconds.
    """

    id: str
    subject: int | None
    gateway: str | None
    lane: int | None
    command: str
    alert: str | None
    reason: str
    by: str
    at: int

    @property
    def kind(self) -> str | None:
        """The kind of the alert; None for a command on no alert, and for an id that has none."""
        if self.alert is None:
            return None
        parts = self.alert.split(":")
        return parts[0] if self.subject is None else parts[1] if len(parts) > 1 else None


def refused_of(document: JsonView) -> RefusedCommand:
    """Raises ContractError."""
    try:
        subject, lane = document["subject"], document.get("lane")
        return RefusedCommand(
            id=str(document["id"]), subject=None if subject is None else int(subject),
            gateway=None if subject is not None else str(document["gateway"]),
            lane=None if lane is None else int(lane), command=str(document["command"]),
            alert=None if document["alert"] is None else str(document["alert"]), reason=str(document["reason"]),
            by=str(document["by"]), at=parse_time(document["at"], "at"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContractError(f"refused: {error}") from None


class RefusedCommands:
    """The newest refused commands, by id; a record may come again."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int | None, RefusedCommand]] = {}

    def take(self, one: RefusedCommand) -> bool:
        """Returns whether the record is new."""
        lanes = self._known.setdefault(one.id, {})
        if one.lane in lanes:
            return False
        lanes[one.lane] = one
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        return True

    def since(self, at: int, lanes: int) -> list[RefusedCommand]:
        """The commands since a time that did nothing, the newest first. lanes: the number of partitions."""
        return sorted((one for found in self._known.values() for one in _complete(found.values(), lanes)
                       if one.at >= at), key=lambda one: (-one.at, one.id))


def _complete(found: Iterable[RefusedCommand], lanes: int) -> list[RefusedCommand]:
    """One of the records of a command; none if the command is on an outage, and some lane has not refused it."""
    records = list(found)
    return records[:1] if records[0].subject is not None or len(records) >= max(lanes, 1) else []
