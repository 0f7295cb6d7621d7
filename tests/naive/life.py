"""Rules 8 (raised), 16 and 25: what a tick that is later than all before does with alerts that stand."""

from naive.records import Json
from naive.world import EMERGENCIES, WINDOW_KINDS, World, active, say_alert

MINUTE, HOUR = 60, 3600
URGENT = (*EMERGENCIES, "not_awake", "inactivity", "long_out")


def go_on(world: World, person: Json, now: int) -> None:
    for alert in list(person["alerts"].values()):
        if alert["active"] and not alert["held"]:
            _raise_and_escalate(world, person, alert, now)
            _remind(world, person, alert, now)


def _raise_and_escalate(world: World, person: Json, alert: Json, now: int) -> None:
    """Rules 8 and 16: in order of time, `raised` before an equal one."""
    if alert["acknowledged_by"] is not None or alert["severity"] == "maintenance":
        return
    steps: list[tuple[int, int, int, str | None]] = [
        (alert["start"] + after * MINUTE, 1, number, to)
        for number, (after, to) in enumerate(person["profile"]["escalation"])]
    if alert["kind"] in WINDOW_KINDS and alert["severity"] == "warning":
        steps.append((alert["start"] + HOUR, 0, 0, None))
    for moment, _, _, to in sorted(steps, key=lambda step: step[:3]):
        if moment > now or to in alert["escalated"]:
            continue
        if to is None:
            alert["severity"] = "critical"
            say_alert(world, person, alert, "raised", now)
        else:
            alert["escalated"].append(to)
            say_alert(world, person, alert, "escalated", now, escalated_to=to)


def _remind(world: World, person: Json, alert: Json, now: int) -> None:
    """Rule 25: an active critical alert that is not held; of alerts of windows only that of the latest window."""
    if alert["severity"] != "critical" or (alert["window"] is not None and alert["window"] != max(
            other["window"] for other in active(person, *WINDOW_KINDS))):
        return
    remind = person["profile"]["remind"]
    if alert["acknowledged_by"] is not None:
        minutes, moments = remind["other_min"], list[int]()
        since = ["acknowledged", "assigned", "commented", "reminded"]
    else:
        minutes, moments = remind["urgent_min" if alert["kind"] in URGENT else "other_min"], [alert["start"]]
        since = ["raised", "escalated", "reminded"]
    moments += [moment for change in since for moment in alert["at"].get(change, [])]
    if minutes and now >= max(moments) + minutes * MINUTE:
        say_alert(world, person, alert, "reminded", now)
