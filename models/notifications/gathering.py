"""How many messages a channel gets: what is urgent goes first and by itself, a crowd of the rest becomes one message.

| what waits for a channel                               | how it goes                                         |
| ------------------------------------------------------ | --------------------------------------------------- |
| urgent: news of an emergency, or of a gateway's outage | each by itself, at once, whatever else waits        |
| the rest, up to ten messages in ten minutes            | each by itself                                      |
| the rest, where it would be more                       | gathered into one message, and one a minute at most |

So whoever comes back after an outage of hours, or has a bad morning, reads a list and not hundreds of messages, and an
SOS stands out from it. A program's channel gathers nothing: it reads each event.
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
MOST: Final = 200  # are looked at, at once
_RANKS: Final[dict[str, int]] = {Severity.CRITICAL: 1, Severity.WARNING: 2, Severity.MAINTENANCE: 3}
_FOLLOW_UP: Final = 4


def urgency(notice: Notice) -> int:
    """The lower the sooner. What a newer worker tells of, and this one does not know, may be an emergency."""
    if notice.change not in NEWS:
        return _FOLLOW_UP
    known = notice.kind in set(Kind) and notice.severity in _RANKS
    return URGENT if not known or notice.kind in (*EMERGENCIES, Kind.GATEWAY_OUTAGE) else _RANKS[notice.severity]


class DueDelivery(Protocol):
    @property
    def urgency(self) -> int: ...


One = TypeVar("One", bound=DueDelivery)


class Lately(NamedTuple):
    """Of a channel, the urgent left out: how many are due in all lanes; how many messages of one alert each it got in
    the last FEW_S (neither need be counted beyond FEW); when a gathered one was last tried, None: never."""

    due: int
    sent: int
    gathered_at: float | None


class SendingPlan(NamedTuple, Generic[One]):
    """single: a message each, as soon as there is room. gathered: one message for as many as it can hold."""

    single: list[One]
    gathered: list[One]


def plan(due: Sequence[One], lately: Lately, now: float) -> SendingPlan[One]:
    """due: in the order in which they are to go, none urgent. What is in neither list waits its minute."""
    if lately.due + lately.sent <= FEW:
        return SendingPlan(list(due), [])
    waits = lately.gathered_at is not None and now < lately.gathered_at + GATHERING_S
    return SendingPlan([], [] if waits else list(due))
