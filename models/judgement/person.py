"""All that Anbu knows of one person in order to judge: one value of one table, pseudonymous, without names.

A step works on a shallow copy of a `Person`, and assigns only the fields of that copy. What a field refers to is
replaced and never changed, mappings too. So whoever holds the person from before the step still has it.
"""

from collections.abc import Mapping

import msgspec

from models.base import Stored
from models.contract.alerts import Alert, Kind
from models.profile import Profile, Span


class ReportedEmergency(Stored, frozen=True):
    """An emergency that was told: by which report, and of which moment (rule 11)."""

    kind: Kind
    slot: int
    moment: int
    epoch: int
    counter: int


class Override(Stored, frozen=True):
    """What the last command said of the dates first to last: excused or not (rule 7)."""

    first: int
    last: int
    excused: bool


class Newest(Stored, frozen=True):
    """Of the newest report by device time: what tells a failing device from a silent person (rule 14)."""

    device_time: int
    mains_lost: bool
    battery_pct: int | None
    signal_dbm: int | None


class ReplayWindow(Stored, frozen=True):
    """Counters seen of one (slot, epoch). See `replay` for how they are read.

    highest: the highest counter. seen: a big-endian number, with a bit for each of the 256 counters from the highest
    downwards (bit 0: the highest), without leading zero octets.
    """

    highest: int
    seen: bytes


class Slot(Stored, frozen=True):
    """One device slot.

    replay: by epoch. judged: (epoch, counter) of the newest report judged (rule 13). weak: its signal was weak.
    """

    replay: Mapping[int, ReplayWindow] = {}
    judged: tuple[int, int] | None = None
    weak: bool = False


class Results(Stored, frozen=True):
    """The results of windows, an octet for each. See `results` for what an octet says.

    first: the window of the first octet; octets: of consecutive windows. far: windows long after the first, by number.
    """

    first: int = 0
    octets: bytes = b""
    far: Mapping[int, int] = {}


class Person(msgspec.Struct, array_like=True):
    """The state of one subject. Times are epoch seconds, windows and dates as in `windows`.

    The fields are in the order in which they are stored; `glance` reads the first ones alone.

    started: the gateway's time at the first registry record, or at the last that changed the schedule; windows that
    opened later are judged by the schedule of the profile, earlier ones as `frozen` has them.
    moved: the time of the former gateway when the person came to another one, which has not judged the person yet:
    deadlines up to it are judged.
    alerts: the active ones by id; closed: of a kind and slot the last closed one, which may be reopened (rule 15).
    commands: digests of the last 64 command ids.
    device_time: the latest of a report that told of activity (rule 10); activity: the latest activity.
    """

    profile: Profile
    started: int | None
    moved: int | None = None
    frozen: Mapping[int, Span] = {}
    alerts: Mapping[str, Alert] = {}
    slots: Mapping[int, Slot] = {}
    results: Results = Results()
    closed: tuple[Alert, ...] = ()
    told: tuple[ReportedEmergency, ...] = ()
    commands: tuple[bytes, ...] = ()
    overrides: tuple[Override, ...] = ()
    newest: Newest | None = None
    device_time: int | None = None
    activity: int | None = None

    @property
    def subject(self) -> int:
        return self.profile.subject
