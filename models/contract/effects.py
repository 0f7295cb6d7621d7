"""The effects that a step returns: facts about one person or one gateway, not yet JSON.

An effect carries everything that its record needs. So `outputs` turns it into JSON without any state.
"""

from enum import StrEnum

from models.base import Value
from models.contract.alerts import Alert, Change, ClearReason
from models.contract.asks import Ask
from models.contract.command import Command, IncidentCommand
from models.contract.incidents import Incident
from models.errors import Rejected
from models.report import AttributeReport, StatusReport


class Result(StrEnum):
    """The result of a window, best first. A better result replaces a worse one, never the reverse (rule 4)."""

    AWAKE = "awake"
    OUT = "out"
    EXCUSED = "excused"
    NOT_AWAKE = "not_awake"
    SILENT = "silent"


class Reported(Value, frozen=True):
    """A report was taken into history.

    reference: `SLOT.EPOCH.COUNTER`, by rule 23 with `@` and the clock.
    received_at: epoch seconds.
    late: see rule 17.
    window, result: the window that the report was taken for, and its result, after rule 3.
    clock_wrong: the report gets the flag `clock`.
    """

    subject: int
    site: str
    reference: str
    received_at: int
    late: bool
    window: int | None
    result: Result | None
    clock_wrong: bool
    payload: StatusReport | AttributeReport
    sms_id: str | None
    sms_gateway: str | None


class CheckedIn(Value, frozen=True):
    """The result of a window changed."""

    subject: int
    site: str
    window: int
    revision: int
    result: Result
    previous: Result | None
    repaired: bool
    at: int


class AlertRevised(Value, frozen=True):
    """A revision of an alert on a person or a device.

    alert: the alert after the change.
    at: epoch seconds.
    command: the id of the command that caused the revision; None: no command did.
    outcome: what the caseworker found, repeated from the command.
    """

    subject: int
    site: str
    tz: str
    alert: Alert
    change: Change
    at: int
    by: str | None = None
    text: str | None = None
    escalated_to: str | None = None
    reason: ClearReason | None = None
    command: str | None = None
    outcome: str | None = None


class IncidentRevised(Value, frozen=True):
    """A revision of a gateway's outage in this lane. command: the cause of the revision; None: a tick."""

    incident: Incident
    change: Change
    lane: int
    at: int
    command: IncidentCommand | None = None


class RefusalReason(StrEnum):
    """Why a command did nothing (rule 15)."""

    UNKNOWN_SUBJECT = "unknown_subject"
    NOT_OPEN = "not_open"
    ALREADY_ACKNOWLEDGED = "already_acknowledged"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    NOT_REOPENED = "not_reopened"


class CommandRefused(Value, frozen=True):
    """A command did nothing (rule 15). lane: that says so of an incident's command, which every lane gets."""

    command: Command | IncidentCommand
    reason: RefusalReason
    lane: int | None = None


class SentOn(Value, frozen=True):
    """The record is for the lane of another partition too, or for that lane alone. subject: a person of that lane."""

    subject: int
    partition: int


Effect = Reported | CheckedIn | AlertRevised | IncidentRevised | CommandRefused | Ask | SentOn | Rejected
