"""What comes in: the records of the input topics, and what those of topic `sms` say once they are read."""

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
    """received_at: epoch seconds; binary: base64 of an 8-bit SMS; text comes first where both are set."""

    received_at: int
    text: str | None
    binary: str | None
    gateway: str | None = None
    id: str | None = None
    sender: str | None = None


class Tick(Value, frozen=True):
    """at, epoch seconds: all that was accepted before is in front of it. gateway: None for a worker's clock."""

    source: Literal["gateway", "clock"]
    gateway: str | None
    at: int
