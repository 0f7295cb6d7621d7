"""Rule 14: what tells a failing device from a silent person, and the evidence for it."""

from collections.abc import Iterator
from typing import Final

from models.contract.alerts import Likely
from models.contract.effects import Result
from models.judgement.person import Newest, Person, Unusable
from models.judgement.results import result_of, windows_of
from models.judgement.rules.turn import Turn
from models.report import MAINS_LOST, StatusReport
from models.window import Window

BATTERY_NEARLY_EMPTY: Final = 20  # percent
SIGNAL_NEARLY_WEAK: Final = 3  # dB above the limit
SILENT_WINDOWS: Final = 4
SILENT_DAYS: Final = 8
LATE: Final = "late"


def cause(person: Person, window: int, opened: int, outage: str | None) -> tuple[Likely, tuple[str, ...]]:
    """The likely cause of a `no_report` of a window, and its evidence.

    opened: when the window opened, epoch seconds.
    outage: the id of the incident that holds the alert, or of the open outage of the gateway (rules 18 and 19).
    """
    asked = tuple(_asked(person, window))
    if outage is not None:
        return Likely.GATEWAY, (outage, *asked)
    evidence = tuple(_device(person, window, opened))
    return (Likely.DEVICE if evidence else Likely.PERSON), (*evidence, *asked)


def _device(person: Person, window: int, opened: int) -> Iterator[str]:
    if person.last_heard_at is None:
        yield "never heard"
    silent = _silent_in_a_row(person, window)
    if silent >= SILENT_WINDOWS:
        yield f"silent for {silent} windows"
    if person.unusable is not None and person.unusable.at >= opened:
        yield f"unusable {person.unusable.reason}"
    newest = person.newest
    if newest is None:
        return
    if newest.mains_lost:
        yield "mains lost"
    if newest.battery_pct is not None and newest.battery_pct < BATTERY_NEARLY_EMPTY:
        yield f"battery {newest.battery_pct} %"
    limit = person.profile.thresholds.signal_dbm + SIGNAL_NEARLY_WEAK
    if newest.signal_dbm is not None and newest.signal_dbm <= limit:
        yield f"signal {newest.signal_dbm} dBm"
    if newest.clock_wrong:
        yield "clock"


def _silent_in_a_row(person: Person, window: int) -> int:
    """How many windows before this one were silent in a row; excused windows are left out."""
    count, earliest = 0, (Window(window).day - SILENT_DAYS) * 2
    for earlier, octet in reversed(list(windows_of(person.results))):
        if not earliest <= earlier < window or result_of(octet) is Result.EXCUSED:
            continue
        if result_of(octet) is not Result.SILENT:
            break
        count += 1
    return count


def _asked(person: Person, window: int) -> Iterator[str]:
    for asked in person.asked:
        if asked.window == window:
            yield f"asked {asked.times} times, {'the device answers' if asked.answered else 'no answer'}"


def remember(turn: Turn, report: StatusReport, device_time: int, *, clock_wrong: bool) -> None:
    """Keep the values of the newest report by device time; of equal ones the last to arrive."""
    newest = turn.person.newest
    if newest is None or device_time >= newest.device_time:
        turn.person.newest = Newest(device_time, bool(report.flags & MAINS_LOST), report.battery_pct,
                                    report.signal_dbm, clock_wrong)


def remember_unusable(turn: Turn, reason: str) -> None:
    """Keep the latest frame of no use."""
    unusable = turn.person.unusable
    if unusable is None or turn.now >= unusable.at:
        turn.person.unusable = Unusable(turn.now, reason)
