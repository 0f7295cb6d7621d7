"""The engine asks two things of its user: a state that can be kept, and a function that folds records over it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from aiokafka import ConsumerRecord
from faust.types import TP

Summary = Any
"""The value that `State.summary` returns; its user alone knows the type. None: no batch is durable yet."""


class Batch(NamedTuple):
    """Consecutive records of one partition: of one poll, of several adjacent ones, or of a plan that is folded again.

    start: the first offset of the batch, which is the `end` of the batch before.
    end: the offset after the batch.
    """

    tp: TP
    start: int
    end: int
    records: Sequence[ConsumerRecord]


class OutputRecord(Protocol):
    """One record to write.

    partition: the partition to write to; None: the lane's own.
    """

    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def partition(self) -> int | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Kept(Protocol):
    """States by key, as the changelog has them. Keys that begin with NUL are reserved; `changelog` has the engine's own
    keys."""

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Apply one record of the changelog; a value of None removes the key."""

    def kept(self, key: bytes) -> bytes | None:
        """The value that `restore` last got for a key; None: no value, or the key was removed. Called before `ready`.
        """


class State(Kept, Protocol):
    """The memory of a lane."""

    def ready(self) -> None:
        """Called once, when all records have been restored."""

    def summary(self) -> Summary:
        """A summary of the state for the views; the engine takes one at the take-over and after each batch.

        The views get it when its batch is durable, and keep it until the summary of a later batch is durable.
        """

    def take_touched(self) -> list[tuple[bytes, bytes | None]]:
        """The changelog records of all that changed since the last call."""


class Folding(NamedTuple):
    """How a lane judges.

    new_state: makes the state of a lane, by the lane's number.
    fold: changes the state by the records, and by nothing else: no clock, no I/O, no randomness. The outputs
        come in slices, and a slice may be empty. Other tasks have a turn between two slices; they may read the state,
        but not change it.
    code: the version of `fold`; it goes up when `fold` answers the same records differently.
    """

    new_state: Callable[[int], State]
    fold: Callable[[Any, Sequence[ConsumerRecord]], Iterable[Sequence[OutputRecord]]]
    code: str
