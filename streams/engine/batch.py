"""What the engine asks of those who use it: a state that can be kept, and a function that folds records over it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from aiokafka import ConsumerRecord
from faust.types import TP


class Batch(NamedTuple):
    """The records of one poll for one partition; `start` is the offset after the batch before, `end` the one after."""

    tp: TP
    start: int
    end: int
    records: Sequence[ConsumerRecord]


class OutputRecord(Protocol):
    """One record to write; partition None: the lane's own."""

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
    """States by key, as the changelog has them. Keys that begin with NUL are reserved; the engine's own are in
    `changelog`."""

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Apply one record of the changelog; None removes."""

    def kept(self, key: bytes) -> bytes | None:
        """What `restore` was last given for a key; None: nothing, or it was removed. Asked before `ready`."""


class State(Kept, Protocol):
    """What a lane remembers."""

    def ready(self) -> None:
        """All has been restored."""

    def summary(self) -> Any:
        """What is to be told of it: asked for when all of it is durable, and kept until the next time."""

    def take_touched(self) -> list[tuple[bytes, bytes | None]]:
        """The changelog records of all that changed since the last call."""


class Folding(NamedTuple):
    """How a lane judges.

    new_state: makes the state of a lane, by its number.
    fold: a pure function of the state (which it changes) and the records: no clock, no I/O, no randomness. The outputs
    come in slices, some of them empty: between two slices other tasks have a turn, which may see the state, but not
    change it.
    code: the version of `fold`; it goes up when the same records would be answered otherwise.
    """

    new_state: Callable[[int], State]
    fold: Callable[[Any, Sequence[ConsumerRecord]], Iterable[Sequence[OutputRecord]]]
    code: str
