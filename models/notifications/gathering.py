"""How many messages a channel gets: urgent deliveries go first and singly, many of the rest become one message.

| deliveries that wait for a channel                     | how they are sent                                   |
| ------------------------------------------------------ | --------------------------------------------------- |
| urgent: news of an emergency, or of a gateway's outage | each by itself, at once, whatever else waits        |
| the rest, up to ten messages in ten minutes            | each by itself                                      |
| the rest, if it would be more                          | gathered into one message, at most one a minute     |

So after an outage of hours, or on a bad morning, a caseworker reads a list and not hundreds of messages, and an SOS
stands out from it. A program's channel gathers nothing: the program reads each event.
"""

from collections.abc import Sequence
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from models.contract.alerts import EMERGENCIES, Kind, Severity
from models.notifications.notice import Notice
from models.notifications.telling import NEWS

URGENT: Final = 0
FEW: Final = 10
FEW_S: Final = 600.0
GATHERING_S: Final = 60.0
MOST: Final = 200  # deliveries that are looked at, at once
_RANKS: Final[dict[str, int]] = {Severity.CRITICAL: 1, Severity.WARNING: 2, Severity.MAINTENANCE: 3}
_FOLLOW_UP: Final = 4


def urgency(notice: Notice) -> int:
    """The rank of a notice; a lower one is sent sooner. An unknown kind or severity is urgent: a newer worker wrote it,
    and it may be an emergency."""
    if notice.change not in NEWS:
        return _FOLLOW_UP
    known = notice.kind in set(Kind) and notice.severity in _RANKS
    return URGENT if not known or notice.kind in (*EMERGENCIES, Kind.GATEWAY_OUTAGE) else _RANKS[notice.severity]


class DueDelivery(Protocol):
    @property
    def urgency(self) -> int: ...


One = TypeVar("One", bound=DueDelivery)


class Lately(NamedTuple):
    """The deliveries and messages of a channel lately, without the urgent ones. No number need be counted beyond FEW.

    due: the number of deliveries that are due, in all lanes.
    sent: the number of messages of one alert each in the last FEW_S seconds.
    gathered_at: the last attempt at a gathered message, epoch seconds; None: never.
    """

    due: int
    sent: int
    gathered_at: float | None


class Gathering(NamedTuple, Generic[One]):
    """How the due deliveries are sent.

    single: each in a message of its own, as soon as there is room.
    gathered: in one message, as many as it can hold.
    """

    single: list[One]
    gathered: list[One]


def gather(due: Sequence[One], lately: Lately, now: float) -> Gathering[One]:
    """Decide how the due deliveries of a channel are sent. A delivery in neither list waits until the minute is over.

    due: in the order in which they are to be sent; none is urgent.
    """
    if lately.due + lately.sent <= FEW:
        return Gathering(list(due), [])
    waits = lately.gathered_at is not None and now < lately.gathered_at + GATHERING_S
    return Gathering([], [] if waits else list(due))
