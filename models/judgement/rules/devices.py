"""Alerts on the device (rule 13), from the values that a report measures and from its clock and counter."""

from typing import Final

from models.contract.alerts import ClearReason, Kind, Likely, Severity
from models.judgement import about
from models.judgement.person import Slot
from models.judgement.rules import clocks
from models.judgement.rules.clocks import Origin, ReportClock
from models.judgement.rules.turn import Turn
from models.profile import Thresholds
from models.report import LOW_BATTERY, MAINS_LOST, StatusReport
from models.times import format_time

BATTERY_RECOVERED: Final = 10
SIGNAL_RECOVERED: Final = 5
STUCK_AFTER: Final = 20 * 3600
_ALWAYS_ACTIVE: Final = (15,) * 24


def devices(turn: Turn, report: StatusReport, state: Slot, clock: ReportClock, origin: Origin) -> None:
    """Rule 13: a report that is older by (epoch, counter) than one judged of its slot changes nothing.

    state: of the slot, with the counter of the report; with what the report measures it becomes the slot of the person.
    """
    person, right = turn.person, clocks.right_clock(state, report, clock, origin)
    if state.judged_report is not None and origin.position < state.judged_report:
        person.slots = {**person.slots, origin.slot: clocks.with_clock(state, report, clock, origin)}
        return
    limits = turn.person.profile.thresholds
    weak, too_weak = _signal(report.signal_dbm, limits.signal_dbm, was_weak=state.weak)
    since, stuck = _stuck(report, state.stuck, clock.device_time)
    person.slots = {**person.slots, origin.slot: Slot(state.replay, origin.position, weak, *right, report.listens,
                                                      since)}
    low, uncomfortable = _battery(report, limits), _temperature(report, limits)
    fell_back = origin.fell_back is not None
    wrong_now = (low or too_weak or uncomfortable or report.flags & MAINS_LOST or report.faults or clock.wrong
                 or fell_back or stuck)
    if not wrong_now and not turn.person.alerts:
        return  # the usual case: there is no alert to open and none to clear
    counts_on = origin.highest is not None and origin.position > origin.highest
    for kind, wrong in (
        (Kind.LOW_BATTERY, low),
        (Kind.MAINS_LOST, bool(report.flags & MAINS_LOST)),
        (Kind.WEAK_SIGNAL, too_weak),
        (Kind.SENSOR_FAULT, report.faults != 0),
        (Kind.TEMPERATURE, uncomfortable),
        (Kind.CLOCK, clock.wrong),
        (Kind.COUNTER, True if fell_back else False if counts_on else None),
        (Kind.SENSOR_STUCK, stuck),
    ):
        if wrong:
            if about.find_alert(turn.person, kind, origin.slot) is None:
                turn.open_or_reopen(kind, origin.reference, Severity.MAINTENANCE, Likely.DEVICE,
                                    (_evidence(kind, report, origin),), origin.slot)
        elif wrong is False:
            alert = about.find_alert(turn.person, kind, origin.slot)
            if alert is not None:
                turn.clear(alert, ClearReason.RECOVERED)


# Each of these says whether something is wrong (True), in order again (False), or neither (None).


def _battery(report: StatusReport, limits: Thresholds) -> bool | None:
    battery = report.battery_pct
    if report.flags & LOW_BATTERY or (battery is not None and battery < limits.battery_pct):
        return True
    return False if battery is not None and battery >= limits.battery_pct + BATTERY_RECOVERED else None


def _temperature(report: StatusReport, limits: Thresholds) -> bool | None:
    temperature = report.temp_c
    if temperature is None:
        return None
    if not limits.temp_low <= temperature <= limits.temp_high:
        return True
    return False if limits.temp_low + 1 <= temperature <= limits.temp_high - 1 else None


def _signal(signal: int | None, limit: float, *, was_weak: bool) -> tuple[bool, bool | None]:
    """(whether the signal is weak now, whether it is too weak): it is too weak in two reports running."""
    if signal is None:
        return was_weak, None
    weak = signal < limit
    if weak and was_weak:
        return weak, True
    return weak, False if signal >= limit + SIGNAL_RECOVERED else None


def _stuck(report: StatusReport, since: tuple[int, int] | None,
           device_time: int) -> tuple[tuple[int, int] | None, bool | None]:
    """(the device times between which the activity never changes, whether the sensor is stuck)."""
    if report.activity != _ALWAYS_ACTIVE or report.idle_min not in (0, None):
        return None, False
    if report.idle_min is None:
        return since, None
    first, last = (device_time, device_time) if since is None else since
    first, last = min(first, device_time), max(last, device_time)
    return (first, last), True if last - first >= STUCK_AFTER else None


def _evidence(kind: Kind, report: StatusReport, origin: Origin) -> str:
    match kind:
        case Kind.LOW_BATTERY:
            return "low battery" if report.battery_pct is None else f"battery {report.battery_pct} %"
        case Kind.MAINS_LOST:
            return "mains lost"
        case Kind.WEAK_SIGNAL:
            return f"signal {report.signal_dbm} dBm"
        case Kind.SENSOR_FAULT:
            return f"faults 0x{report.faults:02x}"
        case Kind.CLOCK:
            return "clock unknown" if report.device_time is None else f"clock {format_time(report.device_time)}"
        case Kind.COUNTER:
            return f"counter {origin.fell_back} after {origin.position[1]}"
        case Kind.SENSOR_STUCK:
            return "activity never changes"
        case _:
            return f"temperature {report.temp_c} °C"
