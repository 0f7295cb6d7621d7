"""The times of a lane and of its gateways, in epoch seconds. No time moves back (rule 22)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from models.base import Stored

COMMANDS_KEPT: Final = 64  # of a person, of a gateway
NOTED_FOR: Final = 60 * 60
ALLOWANCE: Final = 60  # seconds of a clock tick, where no gateway tick tells what was accepted (rule 21)


class DeadlineNote(Stored, frozen=True):
    """What a lane notes at a deadline of a gateway's people (rule 18). Times are epoch seconds.

    due: the number of people whose window has this deadline, and is not excused.
    silent: how many of these have no result.
    opened: the earliest opening of these windows.
    """

    deadline: int
    due: int
    silent: int
    opened: int


class GatewayTime(msgspec.Struct, array_like=True, gc=False):
    """The times of one gateway; `LaneTimes` moves them forward.

    ticked: the last tick of the gateway; None: it never ticked here.
    judged_until: the time up to which its people are judged; None: no time yet.
    first: the first value of `judged_until`. It judged no window, except for people from another gateway (rule 2).
    quiet_since: the latest of all ticks; no instance of the gateway has accepted a frame after it. None: unknown.
    notes: of the deadlines of the last 60 minutes.
    commands: digests of the last 64 command ids on its incidents.
    """

    ticked: int | None
    judged_until: int | None
    first: int | None
    quiet_since: int | None = None
    notes: tuple[DeadlineNote, ...] = ()
    commands: tuple[bytes, ...] = ()


class LaneTimes:
    """The times of one lane.

    changed: whether a time has changed since its owner last set this to False.
    """

    def __init__(self, clock: int | None = None, latest: int | None = None,
                 gateways: dict[str, GatewayTime] | None = None) -> None:
        self._clock = clock
        self._latest = latest
        self._gateways = {} if gateways is None else gateways
        self.changed = False

    @property
    def clock(self) -> int | None:
        """The last clock tick; None: the clock never ticked."""
        return self._clock

    @property
    def latest(self) -> int | None:
        """The latest tick of all sources; None: no source ticked."""
        return self._latest

    @property
    def gateways(self) -> Mapping[str, GatewayTime]:
        """By name, the times of the gateways that the lane knows."""
        return self._gateways

    def gateway(self, name: str) -> GatewayTime:
        """The times of a gateway. A gateway that never ticked here has the clock tick - 60 s (rule 21)."""
        known = self._gateways.get(name)
        if known is None:
            by_clock = None if self._clock is None else self._clock - ALLOWANCE
            known = self._gateways[name] = GatewayTime(None, by_clock, by_clock)
            self.changed = True
        return known

    def advance_clock(self, at: int) -> bool:
        """Take a clock tick. False: it is not later than the last one, and changes nothing."""
        if self._clock is not None and at <= self._clock:
            return False
        self._clock = at
        self.changed = True
        return True

    def advance_gateway(self, name: str, at: int, quiet_since: int | None) -> bool:
        """Take the tick of a gateway. False: it is not later than the last one, and moves no time but `quiet_since`.

        A gateway that is new to the lane gets no time by the clock: this tick gives its first time.
        """
        gateway = self._gateways.setdefault(name, GatewayTime(None, None, None))
        if quiet_since is not None and (gateway.quiet_since is None or quiet_since > gateway.quiet_since):
            gateway.quiet_since = quiet_since
            self.changed = True
        if gateway.ticked is not None and at <= gateway.ticked:
            return False
        gateway.ticked = at
        self.changed = True
        return True

    def advance_latest(self, at: int) -> bool:
        """Take a tick of any source. False: it is not later than all before it, and changes nothing."""
        if self._latest is not None and at <= self._latest:
            return False
        self._latest = at
        self.changed = True
        return True

    def advance_judged(self, name: str, until: int) -> bool:
        """Move `judged_until` of a gateway. False: it has reached `until` already, and nothing changes."""
        gateway = self.gateway(name)
        if gateway.judged_until is None:
            gateway.first = until
        elif until <= gateway.judged_until:
            return False
        gateway.judged_until = until
        self.changed = True
        return True

    def note(self, name: str, note: DeadlineNote) -> tuple[DeadlineNote, ...]:
        """Add the note of a deadline. Returns all notes of the 60 minutes up to it."""
        gateway = self.gateway(name)
        gateway.notes = (*(one for one in gateway.notes if one.deadline > note.deadline - NOTED_FOR), note)
        self.changed = True
        return gateway.notes

    def take_command(self, name: str, digest: bytes) -> bool:
        """Keep the digest of a command's id. False: the command was taken before. A gateway unknown here keeps none."""
        gateway = self._gateways.get(name)
        if gateway is None:
            return True
        if digest in gateway.commands:
            return False
        gateway.commands = (*gateway.commands, digest)[-COMMANDS_KEPT:]
        self.changed = True
        return True

    def values(self) -> tuple[int | None, int | None, dict[str, GatewayTime]]:
        """(clock, latest, gateways), as the codec packs them."""
        return self._clock, self._latest, self._gateways
