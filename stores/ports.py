"""Agents know the stores only by these ports.

The adapters are in `mongo.py` and `deliveries.py`. The queries of users are in `queries.py` and `questions.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from models.json_object import JsonView
from models.notifications.gathering import Lately
from models.notifications.telling import DeliveryStatus, Stop, Thread
from stores.projection.operations import DocumentChange


class HistoryWriter(Protocol):
    """The store that `record` writes to. Methods raise StoreAwayError. A repeated call changes nothing."""

    async def prepare(self) -> None:
        """Create collections, validators and indexes."""

    async def apply(self, changes: Iterable[DocumentChange]) -> None:
        """Apply changes of different documents. Raises StoreRefusedError with the places that can never be written."""

    async def mark_days(self, changes: Iterable[DocumentChange], now: float) -> None:
        """Mark the days that applied changes touch as stale. now: epoch seconds."""

    async def refresh_days(self, now: float) -> int:
        """Compute the figures of some due days again. Returns the number of days; 0 if none is due."""


class Claimed(NamedTuple):
    """A delivery for an attempt.

    due: the earliest time of sending, epoch seconds; during an attempt the end of the claim.
    until: the time after which the delivery is too old, epoch seconds.
    unsure: an earlier attempt may have succeeded.
    event: the alert's CloudEvent.
    stopped: the revision that stopped the delivery during an attempt; None if there was none.
    urgency: see models/notifications/gathering.py.
    """

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
    event: JsonView
    stopped: str | None


class Trouble(NamedTuple):
    """A channel in trouble.

    failed: the number of deliveries that were given up.
    struggling: the number of deliveries that have had many attempts.
    """

    channel: str
    failed: int
    struggling: int
    why: str


class Outbox(Protocol):
    """The queue of `notify`; `deliveries.py` explains each method. Methods raise StoreAwayError."""

    async def thread(self, key: str) -> tuple[Thread, int]: ...
    async def keep_thread(self, key: str, thread: Thread, version: int, subject: int | None, now: float) -> bool: ...
    async def queue(self, deliveries: Mapping[str, JsonView], now: float) -> set[str]: ...
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
