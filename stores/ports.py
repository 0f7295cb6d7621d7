"""What the agents need of the stores, and no more.

The adapters are in `mongo.py` and `deliveries.py`; what people ask is in `queries.py` and `questions.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from models.notifications.gathering import Lately
from models.notifications.telling import DeliveryStatus, Stop, Thread
from stores.projection.operations import DocumentChange


class HistoryWriter(Protocol):
    """Where `record` writes. Methods raise StoreAwayError; doing the same again changes nothing."""

    async def prepare(self) -> None:
        """Collections, validators, indexes."""

    async def apply(self, changes: Iterable[DocumentChange]) -> None:
        """Changes of different documents. Raises StoreRefusedError with the places that can never be written."""

    async def mark_days(self, changes: Iterable[DocumentChange], now: float) -> None:
        """Figures by day and site are to be made anew, after these changes were applied. now: epoch seconds."""

    async def refresh_days(self, now: float) -> int:
        """Make some of them anew whose time has come. Returns how many; 0: there are no more."""


class Claimed(NamedTuple):
    """A delivery as it is sent. due: epoch seconds; of one that is being sent the end of the claim. until: when it is
    too old to be told. unsure: an attempt before may have succeeded. event: the alert's CloudEvent. stopped: what came
    while it was being sent. urgency: models/notifications/gathering.py."""

    id: str
    status: DeliveryStatus
    thread: str
    lane: int
    subject: int | None
    change: str
    urgency: int
    channel: str
    attempts: int
    due: float
    until: float
    fallback: bool
    unsure: bool
    event: Mapping[str, Any]
    stopped: str | None


class Trouble(NamedTuple):
    """A channel that does not do what it should. failed: given up; struggling: tried again and again."""

    channel: str
    failed: int
    struggling: int
    why: str


class Outbox(Protocol):
    """What `notify` keeps: `deliveries.py` says what each means. Methods raise StoreAwayError."""

    async def thread(self, key: str) -> tuple[Thread, int]: ...
    async def keep_thread(self, key: str, thread: Thread, version: int, subject: int | None, now: float) -> bool: ...
    async def queue(self, deliveries: Mapping[str, Mapping[str, Any]], now: float) -> set[str]: ...
    async def stop(self, thread: str, stops: Sequence[Stop], by: str) -> int: ...
    async def erased(self, subjects: Collection[int]) -> set[int]: ...
    async def forget(self, subjects: Collection[int]) -> None: ...
    async def due(self, channel: str, lanes: Collection[int], now: float, limit: int) -> list[Claimed]: ...
    async def lately(self, channel: str, now: float, gathered_at: float | None) -> Lately: ...
    async def notified(self, threads: Collection[str], channel: str) -> set[str]: ...
    async def claim(self, some: Sequence[Claimed], owner: str, until: float) -> list[Claimed]: ...
    async def receipt(self, some: Sequence[Claimed], status: DeliveryStatus, why: str, now: float, answer: str = "",
                      digest: str | None = None) -> int: ...
    async def again(self, some: Sequence[Claimed], due: float, why: str, *, unsure: bool) -> None: ...
    async def fail_unknown(self, channels: Collection[str], lanes: Collection[int], before: float,
                           now: float) -> int: ...
    async def waiting(self) -> dict[str, int]: ...
