"""The operational profile of a subject. Defaults are those of the contract; names and addresses are never here.

Numbers that the registry may write as 15 or as 15.0 are `int | float`: each is read back as it was written.
"""

from collections.abc import Mapping
from typing import Final

from models.base import Stored

WRAPPED_OCTETS: Final = 12 + 16 + 16  # of a device's key: nonce, key, tag


class DailyWindow(Stored, frozen=True):
    """open and close, in minutes of the local day."""

    open: int
    close: int


class Excuse(Stored, frozen=True):
    """Local dates, both included, in days since 2020-01-01."""

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


class AttributeSpec(Stored, frozen=True):
    """scale divides the raw value; low and high bound the scaled one, None: no bound."""

    name: str
    unit: str | None
    scale: int | float
    low: int | float | None
    high: int | float | None


MORNING, AFTERNOON, THRESHOLDS = DailyWindow(6 * 60, 9 * 60), DailyWindow(13 * 60, 15 * 60), Thresholds()


class RegisteredDevice(Stored, frozen=True):
    """key: wrapped, 44 octets, under the key-encryption key named by `kek`."""

    slot: int
    epoch: int
    kek: str
    key: bytes


class Schedule(Stored, frozen=True, cache_hash=True):
    """What of a profile decides when its windows are. A window keeps the schedule under which it opened.

    grace_min: minutes after close until a window is judged; morning, afternoon: None where there is none.
    """

    tz: str
    morning: DailyWindow | None
    afternoon: DailyWindow | None
    grace_min: int
    since: int


class Span(Stored, frozen=True):
    """When a window opens and when it is judged (close + grace), in epoch seconds."""

    open: int
    deadline: int


class Profile(Stored, frozen=True):
    """Who a person is to the judgement: where, by which hours, with which devices."""

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
