"""Rules 10, 11, 12 and 24: what a report tells of the person: inactivity, long out, emergencies."""

from naive.records import Json
from naive.windows import is_excused, local_day
from naive.world import (
    EMERGENCIES,
    World,
    active,
    clear,
    open_report_alert,
    say_alert,
    start_anew,
    unacknowledged,
)

HOUR, DAY, QUARTER = 3600, 24 * 3600, 15 * 60


def _open_and_raise(world: World, person: Json, kind: str, report: Json, severe: bool, now: int) -> None:
    """Rules 10 and 24: not while the local date of now is excused; raised at once after the opening where both hold."""
    if is_excused(person, local_day(now, person["profile"]["zone"])):
        return
    alerts = active(person, kind) or [
        open_report_alert(world, person, kind, "warning", report, now, [], reopens=True)]
    for alert in alerts:
        if severe and alert["severity"] == "warning":
            alert["severity"] = "critical"
            say_alert(world, person, alert, "raised", now)


def inactivity(world: World, person: Json, report: Json, device_time: int, up: bool, now: int) -> None:
    """Rule 10."""
    idle = report["idle_min"]
    if not up and idle is None:
        return
    signs = [device_time] * up + ([device_time - idle * 60] if idle is not None else [])
    person["latest_time"] = max([device_time, *([person["latest_time"]] if person["latest_time"] else [])])
    person["latest_activity"] = max([*signs, *([person["latest_activity"]] if person["latest_activity"] else [])])
    still = person["latest_time"] - person["latest_activity"]
    if still < person["profile"]["thresholds"]["idle_h"] * HOUR:
        for alert in active(person, "inactivity"):
            clear(world, person, alert, "recovered", now)
    else:
        _open_and_raise(world, person, "inactivity", report, still >= DAY, now)


def long_out(world: World, person: Json, report: Json, now: int) -> None:
    """Rule 24."""
    flags, idle = report["flags"], report["idle_min"]
    limit = person["profile"]["thresholds"]["out_h"] * 60
    if "awake" in flags:
        for alert in active(person, "long_out"):
            clear(world, person, alert, "recovered", now)
    elif "out" in flags and idle is not None and idle >= limit:
        _open_and_raise(world, person, "long_out", report, idle >= 2 * limit, now)


def _tell(world: World, person: Json, report: Json, kind: str, moment: int, now: int, evidence: list[str]) -> None:
    """Rule 11: an emergency of (kind, slot) at a moment is told, opened or repeated."""
    person["told"].append({"kind": kind, "slot": report["slot"], "moment": moment, "order": report["order"],
                           "wrong": report["wrong"] is not None})
    alerts = active(person, kind)
    for alert in alerts:
        if alert["acknowledged_at"] is not None and now - alert["acknowledged_at"] >= 5 * 60:
            unacknowledged(alert)
            start_anew(alert, now)
            say_alert(world, person, alert, "repeated", now)
    if not alerts:
        open_report_alert(world, person, kind, "critical", report, now, evidence, reopens=False)


def _told_before(person: Json, kind: str, slot: int) -> list[Json]:
    """What was told of this kind and slot, among the last 16 that were told of the person."""
    return [told for told in person["told"][-16:] if (told["kind"], told["slot"]) == (kind, slot)]


def flags(world: World, person: Json, report: Json, device_time: int, now: int) -> None:
    """Rule 11: what the flags tell, unless it was told before; rule 23: unless a moment near it was told."""
    for kind in EMERGENCIES:
        if kind not in report["flags"]:
            continue
        before = _told_before(person, kind, report["slot"])
        near = [told for told in before if abs(told["moment"] - device_time) <= QUARTER]
        if report["fell_back"]:
            silent = bool(near)
        else:
            silent = (any(told["order"] == report["order"] for told in before)
                      or any(told["order"] >= report["order"] for told in near))
        if not silent:
            _tell(world, person, report, kind, device_time, now, ["late"] if device_time < now - DAY else [])


def memory(world: World, person: Json, report: Json, device_time: int, now: int) -> None:
    """Rule 12: the alarm memory. Near is within 15 minutes, where either moment came by a wrong clock within 24 h."""
    if not 1 <= report["alarm"] <= 4:
        return
    kind, moment = EMERGENCIES[report["alarm"] - 1], device_time - report["alarm_age_min"] * 60
    if now - moment >= DAY:
        return
    for told in _told_before(person, kind, report["slot"]):
        near = DAY if told["wrong"] or report["wrong"] else QUARTER
        if abs(told["moment"] - moment) <= near:
            return
    _tell(world, person, report, kind, moment, now, ["remembered alarm"])
