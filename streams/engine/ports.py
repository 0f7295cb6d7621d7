"""What the engine's parts ask of each other, so that none of them has to know the whole."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from aiokafka import ConsumerRecord
from faust.types import TP

from runtime.settings import Settings
from streams.engine.batch import Batch, OutputRecord


@dataclass(frozen=True)
class Limits:
    """How long the engine waits for what, in seconds.

    stalled_s: a lane that has input and makes no progress for so long ends the process.
    left_s: a graceful shutdown that takes longer is cut off; most supervisors send SIGKILL after 30 s.
    renew_s: a writer is renewed after so long; a broker forgets a transactional id that nobody used for a week.
    folded_s: a fold that takes longer lets the event loop turn once.
    """

    stalled_s: float = 120.0
    left_s: float = 20.0
    renew_s: float = 86_400.0
    folded_s: float = 0.02


class Host(Protocol):
    """What a lane asks of the engine that owns it."""

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

    def current(self, message: Any) -> bool:
        """Whether a message was fetched in the present generation, and the lanes are open."""

    def forget(self, message: Any) -> None:
        """Tell Faust that a message needs no acknowledgement any more."""

    def applied(self, lane: Any, batch: Batch, outputs: Sequence[OutputRecord]) -> None:
        """A batch is durable."""

    def die(self, why: str, error: BaseException | None = None) -> NoReturn:
        """End the process at once."""


Sink = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
"""Keeps a batch elsewhere; it is durable on return."""
