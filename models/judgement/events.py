"""What may happen to a person: the events of `step`. Times are epoch seconds."""

from models.base import Value
from models.contract.command import Command
from models.profile import Profile
from models.report import Received


class Arrived(Value, frozen=True):
    """An authentic report. at: when the gateway received it; judged: up to when the person's gateway is judged."""

    received: Received
    at: int
    sms_id: str | None
    sms_gateway: str | None
    judged: int | None


class Registered(Value, frozen=True):
    """A registry record. at: the highest tick of any source.

    Up to when the person's gateway until now is judged (before), and the one that the record names (after); first:
    where the former began. None: it has not ticked here, or there was nobody.
    """

    profile: Profile
    at: int
    after: int | None
    before: int | None = None
    first: int | None = None


class Erased(Value, frozen=True):
    """A tombstone: clears all; the caller forgets the person."""

    at: int


class Deadline(Value, frozen=True):
    """The deadline of a window has passed by the gateway's time; held_by, outage: see `checkins.judge`."""

    window: int
    at: int
    held_by: str | None = None
    outage: str | None = None


class Released(Value, frozen=True):
    """The incident that held an alert is over."""

    alert: str
    at: int


class Ticked(Value, frozen=True):
    """A tick later than all before: rules 8 and 16."""

    at: int


Event = Arrived | Registered | Erased | Command | Deadline | Released | Ticked
