"""The records of the input topics, and the contents of a record of topic `sms`: an SMS or a tick."""

from collections.abc import Sequence
from typing import Literal, Protocol

from models.base import Value


class InputRecord(Protocol):
    """One record of an input topic, as any consumer has it. value None: a tombstone."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Record(Value, frozen=True):
    """An `InputRecord` that did not come from a consumer."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Sms(Value, frozen=True):
    """An SMS.

    received_at: epoch seconds.
    text: the text; it prevails if `binary` is set too.
    binary: base64 of an 8-bit SMS.
    """

    received_at: int
    text: str | None
    binary: str | None
    gateway: str | None = None
    id: str | None = None
    sender: str | None = None


class Tick(Value, frozen=True):
    """A tick: all SMS that the gateway accepted before `at` stand in front of it.

    gateway: None for a worker's clock.
    at: epoch seconds.
    quiet_since: this instance of the gateway has accepted no frame after that time, epoch seconds; None: unknown.
    """

    source: Literal["gateway", "clock"]
    gateway: str | None
    at: int
    quiet_since: int | None = None
