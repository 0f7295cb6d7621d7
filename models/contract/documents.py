"""What goes out: a record of an output topic, and the JSON of the two that come with nearly every SMS.

They are written as they stand here: the order of the fields is what other programs have seen so far.
"""

from models.base import Value
from models.contract.effects import Result


class Output(Value, frozen=True):
    """One record to write. partition None: the lane's own."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class CheckInDocument(Value, frozen=True, tag_field="type", tag="checkin"):
    """The result of a window changed. window: as `2026-11-24:morning`; id: the same with `#REVISION`."""

    id: str
    subject: int
    site: str
    window: str
    result: Result
    previous: Result | None
    repaired: bool
    at: str


class SmsDocument(Value, frozen=True):
    """By which SMS a report came."""

    id: str | None
    gateway: str | None


class StatusDocument(Value, frozen=True, tag_field="type", tag="report"):
    """A status report; None: unknown. first_activity: as `07:30`."""

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
