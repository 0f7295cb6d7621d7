"""The fields of a packed person that the index of a lane needs: enough for most people, at part of the whole cost.

The fields are the first fields of `Person` and `Profile`, in the same order. The fields after them are not read.
"""

from collections.abc import Mapping

from msgspec import Raw

from models.base import Stored
from models.profile import Schedule, Span


class ProfileGlance(Stored, frozen=True):
    """The first fields of a `Profile`. The fields up to `ask_min` that the index does not need stay packed."""

    subject: int
    site: str
    gateway: str
    retired: bool
    schedule: Schedule
    devices: Raw
    excused: Raw
    escalation: Raw
    thresholds: Raw
    attributes: Raw
    ask_min: tuple[int, ...] = ()


class Glance(Stored, frozen=True):
    """The first fields of a `Person`."""

    profile: ProfileGlance
    judged_from: int | None
    former_time: int | None
    kept_spans: Mapping[int, Span]
    alerts: Mapping[str, Raw]

    @property
    def plain(self) -> bool:
        """Whether only the schedule decides when the next deadline is, and no alert is active."""
        return self.former_time is None and not self.kept_spans and not self.alerts
