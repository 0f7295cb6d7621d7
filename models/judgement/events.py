"""The events that `step` takes: everything that may happen to a person. Times are epoch seconds."""

from models.base import Value
from models.contract.command import Command
from models.errors import RejectReason
from models.profile import Profile
from models.report import Received


class Standing(Value, frozen=True):
    """Where the person's gateway stands when an event comes. Times are epoch seconds.

    judged_until: the time up to which its people are judged; None: it has no time yet.
    first: its first time; None: it has no time yet.
    outage: the id of the open incident of its silence (rule 19); None: there is none.
    """

    judged_until: int | None = None
    first: int | None = None
    outage: str | None = None


class Arrived(Value, frozen=True):
    """An authentic report.

    at: when the gateway received the SMS.
    judged_until, first: of the person's gateway, as in `Standing`.
    """

    received: Received
    at: int
    sms_id: str | None
    sms_gateway: str | None
    judged_until: int | None = None
    first: int | None = None


class FrameRejected(Value, frozen=True):
    """A frame in the person's name was rejected. at: when it came."""

    reason: RejectReason
    at: int


class Commanded(Value, frozen=True):
    """A command of a caseworker. standing: of the person's gateway."""

    command: Command
    standing: Standing

    @property
    def at(self) -> int:
        return self.command.at


class QuestionSent(Value, frozen=True):
    """A device of the person is asked (rule 26).

    number: of the question, from 1.
    to: the telephone number of the device, E.164.
    text: the SMS.
    until: the deadline of the window, epoch seconds.
    at: the time of the tick.
    """

    window: int
    number: int
    slot: int
    to: str
    text: str
    until: int
    at: int


class Registered(Value, frozen=True):
    """A registry record.

    at: the latest tick of any source; before any tick, `since` of the profile.
    standing: of the gateway that the record names.
    former: of the gateway that the profile named so far, without its outage; for a new person without times.
    """

    profile: Profile
    at: int
    standing: Standing
    former: Standing = Standing()


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


Event = Arrived | FrameRejected | Registered | Erased | Commanded | Deadline | Released | QuestionSent | Ticked
