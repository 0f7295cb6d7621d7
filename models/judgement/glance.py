"""Of a packed person what the index of a lane asks: enough for most people, at a part of the price of the whole.

The fields are the first ones of `Person` and `Profile`, in the same order; whatever follows is not looked at.
"""

from collections.abc import Mapping

from msgspec import Raw

from models.base import Stored
from models.profile import Schedule, Span


class ProfileGlance(Stored, frozen=True):
    """Of a `Profile`."""

    subject: int
    site: str
    gateway: str
    retired: bool
    schedule: Schedule


class Glance(Stored, frozen=True):
    """Of a `Person`."""

    profile: ProfileGlance
    started: int | None
    moved: int | None
    frozen: Mapping[int, Span]
    alerts: Mapping[str, Raw]

    @property
    def plain(self) -> bool:
        """Whether nothing but the schedule decides when the next deadline is, and no alert is open."""
        return self.moved is None and not self.frozen and not self.alerts
