"""The replay window: each counter of a device key is accepted once, in any order (RFC 4303, section 3.4.3).

SMS arrive late and out of order, so the window is four times as wide as the 64 that the RFC recommends.
"""

from typing import Final

from models.judgement.person import ReplayWindow, Slot

COUNTERS: Final = 256
_ALL: Final = (1 << COUNTERS) - 1


def is_below(window: ReplayWindow, counter: int) -> bool:
    """Whether a counter is too old for the window to know whether it was seen."""
    return counter <= window.highest - COUNTERS


def has_seen(window: ReplayWindow, counter: int) -> bool:
    return counter <= window.highest and bool(int.from_bytes(window.seen) >> (window.highest - counter) & 1)


def accepted(slot: Slot, epoch: int, counter: int) -> Slot:
    """The slot once it has seen a counter that is not below the window."""
    former = slot.replay.get(epoch)
    if former is None:
        return _with(slot, epoch, ReplayWindow(counter, b"\x01"))
    highest, seen = former.highest, int.from_bytes(former.seen)
    if counter > highest:
        seen = (seen << min(counter - highest, COUNTERS) | 1) & _ALL
        highest = counter
    else:
        seen |= 1 << (highest - counter)
    return _with(slot, epoch, ReplayWindow(highest, seen.to_bytes((seen.bit_length() + 7) // 8)))


def _with(slot: Slot, epoch: int, window: ReplayWindow) -> Slot:
    """The slot with another window of one epoch; for each report, so without the detour of `replace`."""
    return Slot({**slot.replay, epoch: window}, slot.judged_report, slot.weak, slot.clock, slot.clock_report,
                slot.listens, slot.stuck)
