"""All that Anbu keeps of one person in order to judge: one value of one table, pseudonymous, without names.

A step works on a shallow copy of a `Person`, and assigns only the fields of that copy. It replaces the values of the
fields, mappings too, and never changes them. So the person from before the step stays as it was.
"""

from collections.abc import Mapping

import msgspec

from models.base import Stored
from models.contract.alerts import Alert, Kind
from models.profile import Profile, Span


class ReportedEmergency(Stored, frozen=True):
    """An emergency that a report told (rule 11).

    moment: of the emergency, epoch seconds.
    epoch, counter: of the report; if its counter fell back, the highest seen (rule 23).
    clock_wrong: whether the clock of the report was wrong.
    """

    kind: Kind
    slot: int
    moment: int
    epoch: int
    counter: int
    clock_wrong: bool = False


class Override(Stored, frozen=True):
    """The last command for the dates `first` to `last`, both included (rule 7).

    excused: whether the command excuses the dates.
    """

    first: int
    last: int
    excused: bool


class Newest(Stored, frozen=True):
    """Values of the newest report by device time; they tell a failing device from a silent person (rule 14)."""

    device_time: int
    mains_lost: bool
    battery_pct: int | None
    signal_dbm: int | None
    clock_wrong: bool = False


class Unusable(Stored, frozen=True):
    """The latest frame in the person's name that was of no use: rejected, or `late` (rule 14).

    at: when it came, epoch seconds.
    reason: the reason of the rejection, or `late`.
    """

    at: int
    reason: str


class AskedWindow(Stored, frozen=True):
    """The questions of one window (rules 26 to 29).

    times: how often the person was asked.
    last: the number of the last question.
    answered: whether a report answered one of them.
    """

    window: int
    times: int
    last: int
    answered: bool = False


class SentQuestion(Stored, frozen=True):
    """A question that a lane counts for 60 minutes (rule 28).

    at: the time up to which people were judged then, epoch seconds.
    subject: None: the person was erased.
    """

    at: int
    subject: int | None
    window: int


class ReplayWindow(Stored, frozen=True):
    """Counters seen of one (slot, epoch); `replay` reads them.

    highest: the highest counter.
    seen: a big-endian number, with a bit for each of the 256 counters from the highest downwards (bit 0: the highest),
    without leading zero octets.
    """

    highest: int
    seen: bytes


class Slot(Stored, frozen=True):
    """One device slot.

    replay: by epoch, the counters seen.
    judged_report: (epoch, counter) of the newest report judged (rule 13).
    weak: whether the last known signal was weak.
    clock: the latest right clock, epoch seconds; None: no report had a right clock.
    clock_report: (epoch, counter) of the report with that clock.
    listens: whether the newest report judged said that the device listens.
    stuck: the earliest and the latest device time of the reports since which the activity never changes; None: it
    changes.
    """

    replay: Mapping[int, ReplayWindow] = {}
    judged_report: tuple[int, int] | None = None
    weak: bool = False
    clock: int | None = None
    clock_report: tuple[int, int] | None = None
    listens: bool = False
    stuck: tuple[int, int] | None = None


class Results(Stored, frozen=True):
    """The results of windows, an octet for each; `results` explains an octet.

    first: the window of the first octet.
    octets: the octets of consecutive windows.
    far: by number, the octets of windows long after the first.
    """

    first: int = 0
    octets: bytes = b""
    far: Mapping[int, int] = {}


class Person(msgspec.Struct, array_like=True):
    """The state of one subject. Times are epoch seconds, windows and dates as in `windows`.

    The fields are in the order in which they are stored; `glance` reads the first ones alone.

    judged_from: the gateway's time at the first registry record, or at the last record that changed the schedule.
    Windows that open later are judged by the schedule of the profile.
    former_time: the time of the former gateway, up to which the person is judged, until the new gateway has reached it.
    None: no change of gateway is pending.
    kept_spans: the spans that windows keep from a former record (rule 2).
    alerts: the active alerts by id.
    slots: by number, the device slots.
    closed: alerts that were cleared less than two days ago; those of the last day may be reopened (rules 7 and 15).
    emergencies: the last 16 that were reported (rule 11).
    commands: digests of the last 64 command ids.
    overrides: excuses and their ends by command (rule 7), in order of dates.
    newest: of the newest report by device time (rule 14).
    device_time: the latest device time of a report that told of activity (rule 10).
    activity: the latest activity.
    last_heard_at: when the latest authentic report had come (rule 14).
    unusable: the latest frame of no use (rule 14).
    asked: by the windows, in order, the questions (rules 26 to 29).
    """

    profile: Profile
    judged_from: int | None
    former_time: int | None = None
    kept_spans: Mapping[int, Span] = {}
    alerts: Mapping[str, Alert] = {}
    slots: Mapping[int, Slot] = {}
    results: Results = Results()
    closed: tuple[Alert, ...] = ()
    emergencies: tuple[ReportedEmergency, ...] = ()
    commands: tuple[bytes, ...] = ()
    overrides: tuple[Override, ...] = ()
    newest: Newest | None = None
    device_time: int | None = None
    activity: int | None = None
    last_heard_at: int | None = None
    unusable: Unusable | None = None
    asked: tuple[AskedWindow, ...] = ()

    @property
    def subject(self) -> int:
        return self.profile.subject
