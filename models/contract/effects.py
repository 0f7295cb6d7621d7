"""What a step answers: facts about one person or one gateway, not yet JSON.

An effect carries all that its record needs, so that turning it into JSON (`outputs`) needs no state.
"""

from enum import StrEnum

from models.base import Value
from models.contract.alerts import Alert, Change, ClearReason
from models.contract.incidents import Incident
from models.errors import Rejected
from models.report import AttributeReport, StatusReport


class Result(StrEnum):
    """Of a window, best first; a better one replaces a worse one, never the other way round (rule 4)."""

    AWAKE = "awake"
    OUT = "out"
    EXCUSED = "excused"
    NOT_AWAKE = "not_awake"
    SILENT = "silent"


class Reported(Value, frozen=True):
    """A report was taken into history. window and result: what it was taken for, after rule 3."""

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
    """A revision of an alert on a person or a device; `alert` is as it stands after the change."""

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


class IncidentRevised(Value, frozen=True):
    """A gateway's outage was opened or cleared in this lane."""

    incident: Incident
    change: Change
    lane: int
    at: int


Effect = Reported | CheckedIn | AlertRevised | IncidentRevised | Rejected
