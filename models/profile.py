"""The operational profile of a subject. Defaults are those of the contract. A profile never has names or addresses.

Numbers that the registry may write as 15 or as 15.0 are `int | float`: each is read back as it was written.
"""

from collections.abc import Mapping
from typing import Final

from models.base import Stored

WRAPPED_OCTETS: Final = 12 + 16 + 16  # of a device's key: nonce, key, tag


class DailyWindow(Stored, frozen=True):
    """The hours of a window. open, close: in minutes of the local day."""

    open: int
    close: int


class Excuse(Stored, frozen=True):
    """A planned absence. first, last: local dates, both included, in days since 2020-01-01."""

    first: int
    last: int


class EscalationStep(Stored, frozen=True):
    after_min: int
    to: str


class Thresholds(Stored, frozen=True):
    battery_pct: int | float = 15
    signal_dbm: int | float = -105
    idle_h: int | float = 12
    temp_low: int | float = 5
    temp_high: int | float = 33
    out_h: int | float = 36


class Reminders(Stored, frozen=True):
    """When an active critical alert is repeated to caseworkers, minutes; 0: never.

    urgent_min: after the last revision of an unacknowledged alert of the urgent kinds.
    other_min: likewise for the other kinds, and for acknowledged alerts.
    """

    urgent_min: int = 30
    other_min: int = 240


class AttributeSpec(Stored, frozen=True):
    """One attribute that a device may send.

    scale: the divisor of the raw value.
    low, high: the bounds of the scaled value; None: no bound.
    """

    name: str
    unit: str | None
    scale: int | float
    low: int | float | None
    high: int | float | None


MORNING, AFTERNOON, THRESHOLDS = DailyWindow(6 * 60, 9 * 60), DailyWindow(13 * 60, 15 * 60), Thresholds()
REMINDERS: Final = Reminders()


class RegisteredDevice(Stored, frozen=True):
    """One device key of a person.

    kek: the name of the key-encryption key.
    key: the device key, wrapped under that key, 44 octets.
    msisdn: the device's own telephone number, E.164; None: the device cannot be asked.
    """

    slot: int
    epoch: int
    kek: str
    key: bytes
    msisdn: str | None = None


class Schedule(Stored, frozen=True, cache_hash=True):
    """The part of a profile that decides the times of its windows. A window keeps the schedule under which it opened.

    morning, afternoon: None: the person has no such window.
    grace_min: minutes from the close of a window to its deadline.
    since: epoch seconds; a window that opens before is not judged, unless it is kept by rule 2.
    """

    tz: str
    morning: DailyWindow | None
    afternoon: DailyWindow | None
    grace_min: int
    since: int


class Span(Stored, frozen=True):
    """The times of a window, epoch seconds.

    open: when the window opens.
    deadline: when the window is judged (close + grace).
    close: when the window closes; None: a state of version 2 or older did not keep it.
    """

    open: int
    deadline: int
    close: int | None = None


class Profile(Stored, frozen=True):
    """The profile of a person for the judgement: place, hours and devices.

    ask_min: minutes after the close of a window at which a silent person is asked, rising; empty: never.
    remind: None: REMINDERS.
    """

    subject: int
    site: str
    gateway: str
    retired: bool
    schedule: Schedule
    devices: tuple[RegisteredDevice, ...] = ()
    excused: tuple[Excuse, ...] = ()
    escalation: tuple[EscalationStep, ...] = ()
    thresholds: Thresholds = THRESHOLDS
    attributes: Mapping[int, AttributeSpec] = {}
    ask_min: tuple[int, ...] = ()
    remind: Reminders | None = None
