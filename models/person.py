"""All that Anbu knows of one person in order to judge: one value of one table, pseudonymous, without names.

`Person` is what a step changes; a step works on a copy (`copy`), so that whoever holds the old one still has it.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from models.alerts import Alert, Kind
from models.base import Stored
from models.effects import Result
from models.profile import Profile
from models.windows import Calendar, Span, local_day

REPLAY_COUNTERS: Final = 256  # RFC 4303 practice, widened: SMS arrive late and out of order
_ALL_COUNTERS: Final = (1 << REPLAY_COUNTERS) - 1


class Judged(Stored, frozen=True):
    """The result of a window, and the revision of its check-in."""

    result: Result
    revision: int


class Told(Stored, frozen=True):
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
    """Counters seen of one (slot, epoch): the highest, and a bit for each of the 256 from it downwards (bit 0: it)."""

    highest: int
    seen: int

    def below(self, counter: int) -> bool:
        return counter <= self.highest - REPLAY_COUNTERS

    def has(self, counter: int) -> bool:
        return counter <= self.highest and bool(self.seen >> (self.highest - counter) & 1)

    def add(self, counter: int) -> "ReplayWindow":
        if counter > self.highest:
            moved = self.seen << min(counter - self.highest, REPLAY_COUNTERS)
            return ReplayWindow(counter, (moved | 1) & _ALL_COUNTERS)
        return ReplayWindow(self.highest, self.seen | 1 << (self.highest - counter))


class Slot(Stored, frozen=True):
    """One device slot: replay windows by epoch, the newest report judged (rule 13), and whether its signal was weak."""

    replay: Mapping[int, ReplayWindow] = {}
    judged: tuple[int, int] | None = None
    weak: bool = False

    def accept(self, epoch: int, counter: int) -> "Slot":
        window = self.replay.get(epoch)
        grown = window.add(counter) if window is not None else ReplayWindow(counter, 1)
        return Slot({**self.replay, epoch: grown}, self.judged, self.weak)


class Person(msgspec.Struct, array_like=True):
    """The state of one subject. Times are epoch seconds, windows and dates as in `windows`.

    started: the gateway's time at the first registry record, or at the last that changed the schedule; windows that
    opened later are judged by the schedule of the profile, earlier ones as `frozen` has them.
    moved: the time of the former gateway when the person came to another one, which has not judged the person yet:
    deadlines up to it are judged.
    alerts: the active ones by id; closed: the last closed one of a kind and slot that may be reopened (rule 15).
    commands: digests of the last 64 command ids.
    """

    profile: Profile
    started: int | None
    moved: int | None = None
    frozen: dict[int, Span] = {}
    slots: dict[int, Slot] = {}
    results: dict[int, Judged] = {}
    alerts: dict[str, Alert] = {}
    closed: dict[tuple[Kind, int], Alert] = {}
    told: tuple[Told, ...] = ()
    commands: tuple[bytes, ...] = ()
    overrides: tuple[Override, ...] = ()
    newest: Newest | None = None
    device_time: int | None = None  # the latest of a report that told of activity (rule 10)
    activity: int | None = None  # the latest activity

    def copy(self) -> "Person":
        return Person(self.profile, self.started, self.moved, self.frozen.copy(), self.slots.copy(),
                      self.results.copy(), self.alerts.copy(), self.closed.copy(), self.told, self.commands,
                      self.overrides, self.newest, self.device_time, self.activity)

    @property
    def subject(self) -> int:
        return self.profile.subject

    def calendar(self, first_tick: int | None = None) -> Calendar:
        """The windows of the person. first_tick: of the gateway, for whoever was registered before any."""
        started = self.started if self.started is not None else first_tick
        return Calendar(self.profile.schedule, self.frozen, started)

    def today(self, at: int) -> int:
        return local_day(self.profile.schedule.tz, at)

    def excused(self, day: int) -> bool:
        """Whether a local date is excused: the last command prevails over earlier ones and over the registry."""
        for override in self.overrides:
            if override.first <= day <= override.last:
                return override.excused
        return any(excuse.first <= day <= excuse.last for excuse in self.profile.excused)

    def epoch(self, slot: int) -> int | None:
        """The current epoch of a device slot: the highest accepted, at least the lowest listed; None: not listed."""
        listed = [device.epoch for device in self.profile.devices if device.slot == slot]
        if not listed:
            return None
        accepted = self.slots[slot].replay if slot in self.slots else {}
        return max(min(listed), *accepted, 0)

    def awake_after(self, window: int) -> bool:
        """Whether a later window is awake or out: then nobody needs to look after this one (rule 8)."""
        return any(later > window and judged.result in (Result.AWAKE, Result.OUT)
                   for later, judged in self.results.items())

    def find(self, kind: Kind, slot: int | None = None) -> tuple[str, Alert] | None:
        """The active alert of a kind (and slot, where one is given)."""
        for key, alert in self.alerts.items():
            if alert.kind is kind and (slot is None or alert.slot == slot):
                return key, alert
        return None
