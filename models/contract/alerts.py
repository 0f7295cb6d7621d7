"""An alert is a small state machine: one table has all changes that are allowed, and any other is a defect in our code.

The id of an alert follows from subject, kind, and window or opening report. So a replay repeats an id, and creates no
second alert.
"""

from enum import StrEnum
from typing import Final

from msgspec.structs import replace

from models.base import Stored
from models.times import format_time


class Kind(StrEnum):
    """The kinds of alerts. States of version 1 hold their positions, so a new kind is appended."""

    SOS = "sos"
    FIRE = "fire"
    GAS = "gas"
    FALL = "fall"
    NOT_AWAKE = "not_awake"
    NO_REPORT = "no_report"
    INACTIVITY = "inactivity"
    LOW_BATTERY = "low_battery"
    MAINS_LOST = "mains_lost"
    WEAK_SIGNAL = "weak_signal"
    SENSOR_FAULT = "sensor_fault"
    TEMPERATURE = "temperature"
    GATEWAY_OUTAGE = "gateway_outage"
    LONG_OUT = "long_out"
    CLOCK = "clock"
    COUNTER = "counter"
    SENSOR_STUCK = "sensor_stuck"


class Severity(StrEnum):
    MAINTENANCE = "maintenance"
    WARNING = "warning"
    CRITICAL = "critical"


class Change(StrEnum):
    OPENED = "opened"
    REOPENED = "reopened"
    REPEATED = "repeated"
    RAISED = "raised"
    ESCALATED = "escalated"
    REMINDED = "reminded"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    HELD = "held"
    RELEASED = "released"
    CLEARED = "cleared"


class ClearReason(StrEnum):
    """Why an alert was cleared."""

    AWAKE_LATER = "awake_later"
    LATE_REPORT = "late_report"
    RECOVERED = "recovered"
    RESOLVED = "resolved"
    EXCUSED = "excused"
    OUTAGE_OVER = "outage_over"
    RETIRED = "retired"


class Likely(StrEnum):
    PERSON = "person"
    DEVICE = "device"
    GATEWAY = "gateway"


class Phase(StrEnum):
    NEW = "new"
    HELD = "held"
    HELD_ACKNOWLEDGED = "held_acknowledged"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


EMERGENCIES: Final = (Kind.SOS, Kind.FIRE, Kind.GAS, Kind.FALL)
OF_A_WINDOW: Final = frozenset({Kind.NO_REPORT, Kind.NOT_AWAKE})
ONE_A_PERSON: Final = frozenset({*EMERGENCIES, Kind.INACTIVITY, Kind.LONG_OUT})

NEXT_PHASE: Final[dict[tuple[Phase, Change], Phase]] = {
    # from                    by                      to
    (Phase.NEW,               Change.OPENED):         Phase.OPEN,
    (Phase.NEW,               Change.HELD):           Phase.HELD,
    (Phase.HELD,              Change.ACKNOWLEDGED):   Phase.HELD_ACKNOWLEDGED,
    (Phase.HELD,              Change.RELEASED):       Phase.OPEN,
    (Phase.HELD_ACKNOWLEDGED, Change.RELEASED):       Phase.ACKNOWLEDGED,
    (Phase.OPEN,              Change.RAISED):         Phase.OPEN,
    (Phase.OPEN,              Change.ESCALATED):      Phase.OPEN,
    (Phase.OPEN,              Change.REMINDED):       Phase.OPEN,
    (Phase.OPEN,              Change.ACKNOWLEDGED):   Phase.ACKNOWLEDGED,
    (Phase.ACKNOWLEDGED,      Change.RAISED):         Phase.ACKNOWLEDGED,
    (Phase.ACKNOWLEDGED,      Change.REMINDED):       Phase.ACKNOWLEDGED,
    (Phase.ACKNOWLEDGED,      Change.REPEATED):       Phase.OPEN,
    (Phase.ACKNOWLEDGED,      Change.UNACKNOWLEDGED): Phase.OPEN,
    (Phase.HELD_ACKNOWLEDGED, Change.UNACKNOWLEDGED): Phase.HELD,
    (Phase.CLEARED,           Change.REOPENED):       Phase.OPEN,
    **{(phase, change): phase
       for phase in (Phase.HELD, Phase.HELD_ACKNOWLEDGED, Phase.OPEN, Phase.ACKNOWLEDGED)
       for change in (Change.ASSIGNED, Change.COMMENTED)},
    **{(phase, Change.CLEARED): Phase.CLEARED
       for phase in (Phase.HELD, Phase.HELD_ACKNOWLEDGED, Phase.OPEN, Phase.ACKNOWLEDGED)},
}

# These changes restart the time to the next severity and along the chain of escalation (rule 16).
RESTARTS: Final = frozenset({Change.OPENED, Change.HELD, Change.REOPENED, Change.REPEATED, Change.RELEASED,
                             Change.UNACKNOWLEDGED})
# These changes end the acknowledgement.
UNACKNOWLEDGES: Final = frozenset({Change.REOPENED, Change.REPEATED, Change.UNACKNOWLEDGED})
# From the latest of these the time to the next reminder counts (rule 25), of an unacknowledged and an acknowledged one.
URGES: Final = frozenset({Change.RAISED, Change.ESCALATED, Change.REMINDED})
ATTENDS: Final = frozenset({Change.ACKNOWLEDGED, Change.ASSIGNED, Change.COMMENTED, Change.REMINDED})


class IllegalChange(RuntimeError):
    """A rule asked for a change that the table does not have; the alert stays as it was."""


class Alert(Stored, frozen=True):
    """One alert as of its newest revision. Times are epoch seconds.

    reference: the end of the id, after the kind: `DATE:morning|afternoon`, or the reference of the opening report.
    window: the number of the window; None for the alerts without one.
    slot: of the opening report; None for the alerts of a window.
    start: the start, from which the time to `raised` and `escalated` counts (rule 16).
    escalations: the people to whom the alert was escalated since the start.
    last_heard_at: when the latest authentic report of the person had come, as of the opening; None: no report had.
    urged_at, attended_at: when the latest change of URGES, of ATTENDS was made; None: there was none.
    clear_reason: None while the alert is active.
    """

    kind: Kind
    reference: str
    severity: Severity
    likely: Likely
    evidence: tuple[str, ...]
    window: int | None = None
    slot: int | None = None
    phase: Phase = Phase.NEW
    revision: int = 0
    opened_at: int = 0
    start: int = 0
    escalations: tuple[str, ...] = ()
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    assignee: str | None = None
    cleared_at: int | None = None
    last_heard_at: int | None = None
    urged_at: int | None = None
    attended_at: int | None = None
    clear_reason: ClearReason | None = None

    @property
    def active(self) -> bool:
        return self.phase is not Phase.NEW and self.phase is not Phase.CLEARED

    @property
    def held(self) -> bool:
        return self.phase is Phase.HELD or self.phase is Phase.HELD_ACKNOWLEDGED

    def change(self, change: Change, now: int, *, by: str | None = None, severity: Severity | None = None,
               escalated_to: str | None = None, assignee: str | None = None,
               reason: ClearReason | None = None) -> "Alert":
        """The next revision. Raises IllegalChange if the table does not have the change."""
        phase = NEXT_PHASE.get((self.phase, change))
        if phase is None:
            raise IllegalChange(f"{self.kind}:{self.reference}: {change} cannot follow {self.phase}")
        restarts = change in RESTARTS
        acknowledged = change is Change.ACKNOWLEDGED
        forgotten = change in UNACKNOWLEDGES
        escalations = () if restarts else self.escalations
        return replace(
            self,
            phase=phase,
            revision=self.revision + 1,
            severity=severity or self.severity,
            opened_at=now if self.phase is Phase.NEW else self.opened_at,
            start=now if restarts else self.start,
            escalations=(*escalations, escalated_to) if escalated_to is not None else escalations,
            acknowledged_by=by if acknowledged else None if forgotten else self.acknowledged_by,
            acknowledged_at=now if acknowledged else None if forgotten else self.acknowledged_at,
            assignee=assignee if assignee is not None else self.assignee,
            cleared_at=now if phase is Phase.CLEARED else None,
            urged_at=_latest(self.urged_at, now) if change in URGES else self.urged_at,
            attended_at=_latest(self.attended_at, now) if change in ATTENDS else self.attended_at,
            clear_reason=reason,
        )


def _latest(former: int | None, now: int) -> int:
    """The times of commands are not in order."""
    return now if former is None else max(former, now)


def alert_id(subject: int, kind: Kind, reference: str) -> str:
    """The id of an alert on a person, the same in every replay."""
    return f"{subject}:{kind}:{reference}"


def report_reference(slot: int, epoch: int, counter: int, clock: int | None = None) -> str:
    """The id of a report within its person. clock: of a report whose counter fell back (rule 23), epoch seconds."""
    reference = f"{slot}.{epoch}.{counter}"
    return reference if clock is None else f"{reference}@{format_time(clock)}"
