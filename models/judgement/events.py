"""The events that `step` takes: everything that may happen to a person. Times are epoch seconds."""

from models.base import Value
from models.contract.command import Command
from models.profile import Profile
from models.report import Received


class Arrived(Value, frozen=True):
    """An authentic report.

    at: when the gateway received the SMS.
    judged_until: the time of the person's gateway, up to which its people are judged; None: it has no time yet.
    """

    received: Received
    at: int
    sms_id: str | None
    sms_gateway: str | None
    judged_until: int | None


class Registered(Value, frozen=True):
    """A registry record.

    at: the latest tick of any source; before any tick, `since` of the profile.
    after: the time of the gateway that the record names; None: it has no time yet.
    before: the time of the person's former gateway; None: it has no time yet, or the person is new.
    first: the first time of the former gateway; None: as in `before`.
    """

    profile: Profile
    at: int
    after: int | None
    before: int | None = None
    first: int | None = None


class Erased(Value, frozen=True):
    """A tombstone: it clears every alert of the person. The caller then removes the person."""

    at: int


class Deadline(Value, frozen=True):
    """The deadline of a window has passed by the gateway's time.

    at: the time of the tick.
    held_by, outage: see `checkins.judge`.
    """

    window: int
    at: int
    held_by: str | None = None
    outage: str | None = None


class Released(Value, frozen=True):
    """The incident that held an alert is over."""

    alert: str
    at: int


class Ticked(Value, frozen=True):
    """A tick that is later than all ticks before, of any source: rules 8 and 16."""

    at: int


Event = Arrived | Registered | Erased | Command | Deadline | Released | Ticked
