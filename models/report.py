"""The types of a report, from the clear header of its frame to the decrypted and decoded contents."""

from typing import Final

from models.base import Value

AWAKE, OUT, SOS, FIRE, GAS, FALL, MAINS_LOST, LOW_BATTERY = (1 << bit for bit in range(8))
FLAG_NAMES: Final = ("awake", "out", "sos", "fire", "gas", "fall", "mains_lost", "low_battery")


class Header(Value, frozen=True):
    """The clear header. epoch_low: the low two bits of the epoch."""

    version: int
    slot: int
    epoch_low: int
    subject: int
    counter: int


class StatusReport(Value, frozen=True):
    """Type 1. A value of None is unknown.

    device_time: the device's clock, epoch seconds.
    window: the number as on the wire.
    signal_dbm: zero or negative.
    activity: 24 values 0-15, the last 24 hours, oldest first.
    previous: an octet for each of the 16 windows before, newest first: 0 unknown, 1 awake, 2 not awake, 3 out.
    alarm: the code of the last alarm; 0: none.
    alarm_age_min: the age of that alarm, minutes.
    out_of_range: whether a value was out of range.
    listens: whether the device can be asked.
    answers: the number of the question that the report answers, 1 to 7; None: no question.
    """

    device_time: int | None
    window: int | None
    flags: int
    idle_min: int | None
    first_activity_min: int | None
    battery_pct: int | None
    signal_dbm: int | None
    temp_c: int | None
    humidity_pct: int | None
    reset_cause: int = 0
    faults: int = 0
    firmware: int = 0
    config: int = 0
    activity: tuple[int, ...] = (0,) * 24
    previous: bytes = bytes(16)
    alarm: int = 0
    alarm_age_min: int = 0
    out_of_range: bool = False
    listens: bool = False
    answers: int | None = None


class Attribute(Value, frozen=True):
    name: str
    value: int | float
    unit: str | None


class AttributeReport(Value, frozen=True):
    """Type 2: values that vary by device, in the order in which they were sent."""

    attributes: tuple[Attribute, ...]


class Received(Value, frozen=True):
    """An authentic report, and the counter under which it was sealed."""

    slot: int
    epoch: int
    counter: int
    payload: StatusReport | AttributeReport
