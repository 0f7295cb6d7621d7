"""Rule 13: the alerts on the device, and what the newest report of a slot says of it (rule 26: whether it listens)."""

from collections.abc import Callable

from naive.records import Json
from naive.world import World, active, clear, open_report_alert, stamp

STUCK_APART = 20 * 3600
Condition = Callable[..., None]


def device(world: World, person: Json, report: Json, device_time: int, now: int) -> None:
    """Each slot on its own; a report older by (epoch, counter) than one judged changes nothing."""
    slot = report["slot"]
    if not report["fell_back"] and report["order"] <= person["judged_report"].get(slot, (-1, -1)):
        return
    person["judged_report"][slot] = report["order"]
    person["listens"][slot] = report["listens"]
    limits, flags = person["profile"]["thresholds"], report["flags"]
    battery, signal, temperature = report["battery_pct"], report["signal_dbm"], report["temp_c"]

    def condition(kind: str, begins: bool, ends: bool, *evidence: str) -> None:
        alerts = [alert for alert in active(person, kind) if alert["slot"] == slot]
        if begins and not alerts:
            open_report_alert(world, person, kind, "maintenance", report, now, list(evidence), reopens=True)
        elif ends:
            for alert in alerts:
                clear(world, person, alert, "recovered", now)

    low = "low_battery" in flags or (battery is not None and battery < limits["battery_pct"])
    charged = not low and battery is not None and battery >= limits["battery_pct"] + 10
    condition("low_battery", low, charged)
    condition("mains_lost", "mains_lost" in flags, "mains_lost" not in flags)
    if signal is not None:
        weak = signal < limits["signal_dbm"]
        twice = weak and person["weak"].get(slot, False)
        person["weak"][slot] = weak
        condition("weak_signal", twice, signal >= limits["signal_dbm"] + 5)
    condition("sensor_fault", report["faults"] != 0, report["faults"] == 0)
    if temperature is not None:
        lowest, highest = limits["temp_c"]
        outside = not lowest <= temperature <= highest
        condition("temperature", outside, lowest + 1 <= temperature <= highest - 1)
    wrong = report["wrong"] is not None
    condition("clock", wrong, not wrong,
              "clock unknown" if report["device_time"] is None else f"clock {stamp(report['device_time'])}")
    condition("counter", report["fell_back"], not report["fell_back"] and report["order"] > report["before"],
              f"counter {report['counter']} after {report['before'][1]}")
    _stuck(person, report, device_time, condition)


def _stuck(person: Json, report: Json, device_time: int, condition: Condition) -> None:
    """`sensor_stuck`: the device times of the reports in a row that say 15 in each hour and idle 0."""
    slot = report["slot"]
    if any(one != 15 for one in report["activity"]) or report["idle_min"] not in (0, None):
        person["stuck"][slot] = []
        condition("sensor_stuck", False, True)
    elif report["idle_min"] == 0:
        times = person["stuck"].setdefault(slot, [])
        times.append(device_time)
        apart = any(abs(device_time - one) >= STUCK_APART for one in times)
        condition("sensor_stuck", apart, False, "activity never changes")
