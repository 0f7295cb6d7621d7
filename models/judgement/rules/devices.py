"""Alerts on the device (rule 13) and on inactivity (rule 10), from the values that a report measures."""

from typing import Final

from models.contract.alerts import Change, ClearReason, Kind, Likely, Severity, report_reference
from models.contract.effects import Result
from models.judgement import about
from models.judgement.person import Newest, Slot
from models.judgement.rules.turn import Turn
from models.report import LOW_BATTERY, MAINS_LOST, StatusReport
from models.times import DAY

BATTERY_RECOVERED: Final = 10
SIGNAL_RECOVERED: Final = 5


def inactivity(turn: Turn, report: StatusReport, says: Result | None, device_time: int, slot: int,
               reference: str) -> None:
    """Rule 10: the time since the latest activity, by the device times of all devices of the person."""
    person = turn.person
    if says is not None:
        activity = device_time
    elif report.idle_min is not None:
        activity = device_time - report.idle_min * 60
    else:
        return
    person.device_time = device_time if person.device_time is None else max(person.device_time, device_time)
    person.activity = activity if person.activity is None else max(person.activity, activity)
    idle = person.device_time - person.activity
    alert = about.find_alert(person, Kind.INACTIVITY)
    if idle < person.profile.thresholds.idle_h * 3600:
        if alert is not None:
            turn.clear(alert, ClearReason.RECOVERED)
        return
    if about.excused(person, turn.today):
        return
    if alert is None:
        turn.open_or_reopen(Kind.INACTIVITY, reference, Severity.WARNING, Likely.PERSON, (), slot)
        alert = about.find_alert(person, Kind.INACTIVITY)
    if alert is not None and idle >= DAY and alert.severity is Severity.WARNING:
        turn.change(alert, Change.RAISED, severity=Severity.CRITICAL)


def devices(turn: Turn, report: StatusReport, slot: int, epoch: int, counter: int) -> None:
    """Rule 13: a report that is older by (epoch, counter) than one judged of its slot changes nothing."""
    slots = turn.person.slots
    state = slots.get(slot) or Slot()
    if state.judged_report is not None and (epoch, counter) < state.judged_report:
        return
    limits, battery, signal = turn.person.profile.thresholds, report.battery_pct, report.signal_dbm
    weak, temperature = state.weak, report.temp_c
    too_weak: bool | None = None
    if signal is not None:
        weak = signal < limits.signal_dbm
        if weak and state.weak:
            too_weak = True
        elif signal >= limits.signal_dbm + SIGNAL_RECOVERED:
            too_weak = False
    turn.person.slots = {**slots, slot: Slot(state.replay, (epoch, counter), weak)}

    low: bool | None = None
    if report.flags & LOW_BATTERY or (battery is not None and battery < limits.battery_pct):
        low = True
    elif battery is not None and battery >= limits.battery_pct + BATTERY_RECOVERED:
        low = False
    uncomfortable: bool | None = None
    if temperature is not None:
        if not limits.temp_low <= temperature <= limits.temp_high:
            uncomfortable = True
        elif limits.temp_low + 1 <= temperature <= limits.temp_high - 1:
            uncomfortable = False

    wrong_now = low or too_weak or uncomfortable or report.flags & MAINS_LOST or report.faults
    if not wrong_now and not turn.person.alerts:
        return  # the usual case: there is no alert to open and none to clear
    for kind, wrong in (
        (Kind.LOW_BATTERY, low),
        (Kind.MAINS_LOST, bool(report.flags & MAINS_LOST)),
        (Kind.WEAK_SIGNAL, too_weak),
        (Kind.SENSOR_FAULT, report.faults != 0),
        (Kind.TEMPERATURE, uncomfortable),
    ):
        if wrong:
            if about.find_alert(turn.person, kind, slot) is None:
                turn.open_or_reopen(kind, report_reference(slot, epoch, counter), Severity.MAINTENANCE, Likely.DEVICE,
                                    (_evidence(kind, report),), slot)
        elif wrong is False:
            alert = about.find_alert(turn.person, kind, slot)
            if alert is not None:
                turn.clear(alert, ClearReason.RECOVERED)


def _evidence(kind: Kind, report: StatusReport) -> str:
    match kind:
        case Kind.LOW_BATTERY:
            return "low battery" if report.battery_pct is None else f"battery {report.battery_pct} %"
        case Kind.MAINS_LOST:
            return "mains lost"
        case Kind.WEAK_SIGNAL:
            return f"signal {report.signal_dbm} dBm"
        case Kind.SENSOR_FAULT:
            return f"faults 0x{report.faults:02x}"
        case _:
            return f"temperature {report.temp_c} °C"


def remember(turn: Turn, report: StatusReport, device_time: int) -> None:
    """Keep the values for rule 14 of the newest report by device time; of equal ones the last to arrive."""
    newest = turn.person.newest
    if newest is None or device_time >= newest.device_time:
        turn.person.newest = Newest(device_time, bool(report.flags & MAINS_LOST), report.battery_pct, report.signal_dbm)
