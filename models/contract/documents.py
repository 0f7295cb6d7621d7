"""A record of an output topic, and the JSON of the two documents that follow nearly every SMS.

The fields are written in the order in which they stand here; other programs have seen this order so far.
"""

from models.base import Value
from models.contract.effects import Result


class Output(Value, frozen=True):
    """One record to write. partition: None: the partition of the lane."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class CheckInDocument(Value, frozen=True, tag_field="type", tag="checkin"):
    """The result of a window changed.

    id: the window with `#REVISION`.
    window: such as `2026-11-24:morning`.
    """

    id: str
    subject: int
    site: str
    window: str
    result: Result
    previous: Result | None
    repaired: bool
    at: str


class SmsDocument(Value, frozen=True):
    """The SMS by which a report came."""

    id: str | None
    gateway: str | None


class StatusDocument(Value, frozen=True, tag_field="type", tag="report"):
    """A status report; None: unknown. first_activity: such as `07:30`. answers: the number of the
    question that the report answers.
    """

    id: str
    subject: int
    site: str
    device_time: str | None
    window: str | None
    result: Result | None
    battery_pct: int | None
    signal_dbm: int | None
    temp_c: int | None
    humidity_pct: int | None
    idle_min: int | None
    first_activity: str | None
    activity: tuple[int, ...]
    flags: tuple[str, ...]
    attrs: tuple[()]
    received_at: str
    late: bool
    sms: SmsDocument
    answers: int | None
