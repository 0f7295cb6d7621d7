"""What goes out: a record of an output topic, as any producer can write it."""

from models.base import Value


class Output(Value, frozen=True):
    """One record to write. partition None: the lane's own."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
