"""The clock of a report (section "Clocks"), and a counter that fell back (rule 23).

A clock that is right tells more than a counter: only the device can make a report with a later clock.
"""

from typing import Final

from msgspec.structs import replace

from models.base import Value
from models.contract.alerts import report_reference
from models.judgement import replay
from models.judgement.person import Slot
from models.report import Received, StatusReport
from models.times import DAY

EARLIEST_CLOCK: Final = 1_735_689_600  # 2025-01-01T00:00:00Z; no device is older
WENT_BACK: Final = 15 * 60


class ReportClock(Value, frozen=True):
    """The clock of a report. Times are epoch seconds.

    device_time: the clock, never later than the arrival; the arrival if the clock is wrong.
    wrong: whether the clock is wrong.
    names_none: whether the window that the report names does not count, since the device computed it from this clock.
    flagged: the report gets the flag `clock`.
    """

    device_time: int
    wrong: bool
    names_none: bool
    flagged: bool


class Origin(Value, frozen=True):
    """Where a status report comes from, and its place among the reports of its slot.

    position: (epoch, counter) of the report; if its counter fell back, the highest seen (rule 23).
    reference: the report's id, and the end of the ids of the alerts that it opens.
    highest: (epoch, counter), the highest seen before the report; None: the slot has seen none.
    fell_back: the counter of the report, if it fell back; else None.
    """

    slot: int
    position: tuple[int, int]
    reference: str
    highest: tuple[int, int] | None
    fell_back: int | None


def read_clock(report: StatusReport, state: Slot, position: tuple[int, int], now: int) -> ReportClock:
    """state: the slot before the report. position: the (epoch, counter) of the report."""
    clock = report.device_time
    if clock is None:
        return ReportClock(now, wrong=True, names_none=False, flagged=True)
    ahead = clock > now + DAY
    went_back = (state.clock is not None and state.clock_report is not None and clock < state.clock - WENT_BACK
                 and position > state.clock_report)
    names_none = clock < EARLIEST_CLOCK or went_back
    wrong = ahead or names_none
    return ReportClock(now if wrong else min(clock, now), wrong, names_none, wrong or abs(clock - now) > DAY)


def fell_back(report: StatusReport, state: Slot, now: int) -> bool:
    """Rule 23: whether a report whose counter was seen, or is below the replay window, is fresh by its clock."""
    clock = report.device_time
    return (clock is not None and state.clock is not None and state.clock < clock <= now + DAY
            and clock >= EARLIEST_CLOCK)


def right_clock(state: Slot, report: StatusReport, clock: ReportClock,
                origin: Origin) -> tuple[int | None, tuple[int, int] | None]:
    """The latest right clock of a slot after a fresh report, with the (epoch, counter) of its report."""
    newer = origin.fell_back is not None or state.clock_report is None or origin.position > state.clock_report
    return (report.device_time, origin.position) if newer and not clock.wrong else (state.clock, state.clock_report)


def with_clock(state: Slot, report: StatusReport, clock: ReportClock, origin: Origin) -> Slot:
    """The slot with the latest right clock, after a fresh report."""
    right, of = right_clock(state, report, clock, origin)
    return replace(state, clock=right, clock_report=of)


def highest_seen(state: Slot) -> tuple[int, int] | None:
    """The highest (epoch, counter) seen of a slot; None: it has seen none."""
    if not state.replay:
        return None
    epoch = max(state.replay)
    return epoch, state.replay[epoch].highest


def origin(received: Received, highest: tuple[int, int] | None, *, fell_back: bool) -> Origin:
    """Where an accepted status report comes from. highest: as in `Origin`. fell_back: by rule 23."""
    slot, epoch, counter = received.slot, received.epoch, received.counter
    if not fell_back or highest is None or not isinstance(received.payload, StatusReport):
        return Origin(slot, (epoch, counter), report_reference(slot, epoch, counter), highest, None)
    reference = report_reference(slot, epoch, counter, received.payload.device_time)
    return Origin(slot, highest, reference, highest, counter)


def is_new(state: Slot, received: Received) -> bool:
    """Whether a counter is neither seen nor below the replay window (receiving rule 2)."""
    window = state.replay.get(received.epoch)
    if window is None or received.counter > window.highest:
        return True
    return not (replay.is_below(window, received.counter) or replay.has_seen(window, received.counter))


def is_below(state: Slot, received: Received) -> bool:
    window = state.replay.get(received.epoch)
    return window is not None and replay.is_below(window, received.counter)
