"""The interfaces between the engine's parts, so that no part has to know the whole engine."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from aiokafka import ConsumerRecord
from faust.types import TP

from models.times import DAY
from runtime.settings import Settings
from streams.engine.batch import Batch, OutputRecord


@dataclass(frozen=True)
class Limits:
    """The time limits of the engine, in seconds.

    stalled_s: the process ends if a lane has input and makes no progress for longer than this.
    left_s: the process ends if a graceful shutdown takes longer; most supervisors send SIGKILL after 30 s.
    renew_s: the age at which a lane renews its writer; a broker forgets a transactional id after a week without use.
    folded_s: how long a fold may take before it lets the event loop turn once.
    """

    stalled_s: float = 120.0
    left_s: float = 20.0
    renew_s: float = float(DAY)
    folded_s: float = 0.02


class BatchMessage(Protocol):
    """A Faust message that carries a batch.

    generation_id: the group's generation in which the batch was fetched.
    acked: whether Faust needs no acknowledgement of the message any more.
    """

    value: Batch
    generation_id: int
    acked: bool


class NumberedLane(Protocol):
    """A lane, for a callback that is notified of its batches. number: the number of the partition."""

    number: int


class Host(Protocol):
    """The part of the engine that its lanes call."""

    settings: Settings
    limits: Limits
    inputs: tuple[str, ...]
    changelog: str
    read_first: str | None
    begin_at_end: bool
    began_ms: int

    async def committed(self, tp: TP) -> int | None:
        """The group's committed offset; None: none."""

    async def wait_open(self) -> None:
        """Wait until no rebalance holds the lanes."""

    def current(self, message: BatchMessage) -> bool:
        """Whether a message was fetched in the present generation, and no rebalance holds the lanes."""

    def forget(self, message: BatchMessage) -> None:
        """Note in Faust that a message needs no acknowledgement any more."""

    def applied(self, lane: NumberedLane, batch: Batch, outputs: Sequence[OutputRecord]) -> None:
        """Note that a batch is durable."""

    def die(self, why: str, error: BaseException | None = None) -> NoReturn:
        """End the process at once."""


Held = Callable[[int], Mapping[str, int]]
"""By topic, the first offset of a partition that a sink still has in hand; a topic is missing if there is none."""

Sink = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
"""Keeps a batch elsewhere. The batch is durable when the call returns, except for records that `Held` names."""
