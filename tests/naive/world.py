"""What the oracle knows, as plain dicts, and the lines that it prints (docs/contracts.md "Outputs").

A person: profile, history of profiles, results and their revisions, alerts by id in order of opening, all that was
seen and told. Nothing is ever dropped, but what the rules say is dropped.
"""

from datetime import UTC, datetime
from typing import Any

from naive.records import Json, format_window

WINDOW_KINDS = ("no_report", "not_awake")
EMERGENCIES = ("sos", "fire", "gas", "fall")


class World:
    """One lane: its people, the last tick of each source, the highest of all, and its incidents."""

    def __init__(self, keks: dict[str, bytes]) -> None:
        self.keks = keks
        self.people: dict[int, Json] = {}
        self.gateway_ticks: dict[str, int] = {}
        self.clock: int | None = None
        self.highest: int | None = None
        self.incidents: list[Json] = []
        self.lines: list[Json] = []
        self.clearings = 0  # counts, so that the last alert cleared is known

    def say(self, topic: str, key: str, value: Json) -> None:
        self.lines.append({"topic": topic, "key": key, "value": value})


def new_person(subject: int) -> Json:
    return {"subject": subject, "profile": None, "history": [], "time": None, "start": None, "results": {},
            "revisions": {}, "judged": set(), "excuses": {}, "commands": [], "alerts": {}, "highest_epoch": {},
            "seen": {}, "judged_report": {}, "weak": {}, "told": [], "latest_time": None, "latest_activity": None,
            "newest": None}


def stamp(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def say_alert(world: World, person: Json | None, alert: Json, change: str, now: int, **belongs: Any) -> None:
    """Rule 15: one more revision. `by`, `text`, `escalated_to`, `reason` belong to this revision."""
    alert["revision"] += 1
    site = person["profile"]["site"] if person else None
    key = str(person["subject"]) if person else alert["gateway"]
    window = None if alert["window"] is None else format_window(alert["window"])
    sentence = f"{alert['kind']}: {change}"
    data = {"alert": alert["id"], "revision": alert["revision"], "change": change, "kind": alert["kind"],
            "severity": alert["severity"], "active": alert["active"], "acknowledged_by": alert["acknowledged_by"],
            "assignee": alert["assignee"], "site": site, "window": window, "opened_at": stamp(alert["opened_at"]),
            "changed_at": stamp(now), "cause": alert["cause"], "why": {"ko": sentence, "en": sentence},
            "by": None, "text": None, "escalated_to": None, "reason": None, **belongs}
    world.say("alerts", key, {
        "specversion": "1.0", "id": f"{alert['id']}/{alert['revision']}",
        "source": f"/anbu/{site}" if person else "/anbu", "type": f"kr.anbu.alert.{change}", "subject": key,
        "time": stamp(now), "datacontenttype": "application/json", "data": data})


def new_alert(identity: str, kind: str, severity: str, now: int, likely: str, evidence: list[str]) -> Json:
    """`held`: the incident that holds it; `start`: where the times of rules 8 and 16 begin."""
    return {"id": identity, "kind": kind, "severity": severity, "active": True, "revision": 0, "window": None,
            "slot": None, "acknowledged_by": None, "acknowledged_at": None, "assignee": None, "opened_at": now,
            "start": now, "escalated": [], "held": None, "cleared_at": None, "cleared_number": None,
            "cause": {"likely": likely, "evidence": evidence}}


def start_anew(alert: Json, now: int) -> None:
    """Rule 16, last sentence."""
    alert["start"], alert["escalated"] = now, []


def clear(world: World, person: Json | None, alert: Json, reason: str, now: int, **belongs: Any) -> None:
    world.clearings += 1
    alert["active"], alert["held"] = False, None
    alert["cleared_at"], alert["cleared_number"] = now, world.clearings
    say_alert(world, person, alert, "cleared", now, reason=reason, **belongs)


def active(person: Json, *kinds: str) -> list[Json]:
    return [alert for alert in person["alerts"].values() if alert["active"] and alert["kind"] in kinds]


def open_window_alert(world: World, person: Json, kind: str, window: int, now: int,
                      likely: str, evidence: list[str], held: str | None) -> None:
    """Rule 8's two kinds: `S:kind:DATE:half`."""
    identity = f"{person['subject']}:{kind}:{format_window(window)}"
    alert = new_alert(identity, kind, "warning", now, likely, evidence)
    alert["window"], alert["held"] = window, held
    person["alerts"][identity] = alert
    say_alert(world, person, alert, "held" if held else "opened", now)


def open_report_alert(world: World, person: Json, kind: str, severity: str, report: Json, now: int,
                      evidence: list[str], reopens: bool) -> Json:
    """All other kinds: `S:kind:SLOT.EPOCH.COUNTER`, or reopened (rule 15) within 30 minutes of clearing."""
    earlier = [alert for alert in person["alerts"].values()
               if alert["kind"] == kind and alert["slot"] == report["slot"] and not alert["active"]
               and now - alert["cleared_at"] <= 30 * 60]
    if reopens and earlier:
        alert: Json = max(earlier, key=lambda one: int(one["cleared_number"]))
        alert["active"], alert["severity"] = True, severity
        alert["acknowledged_by"] = alert["acknowledged_at"] = None
        start_anew(alert, now)
        say_alert(world, person, alert, "reopened", now)
        return alert
    likely = "device" if severity == "maintenance" else "person"  # rule 14, last sentence
    alert = new_alert(f"{person['subject']}:{kind}:{report['id']}", kind, severity, now, likely, evidence)
    alert["slot"] = report["slot"]
    person["alerts"][alert["id"]] = alert
    say_alert(world, person, alert, "opened", now)
    return alert


def set_result(world: World, person: Json, window: int, result: str, now: int, repaired: bool) -> bool:
    """Rule 4: a better result replaces a worse one, never the other way round; whether it did."""
    order = [None, "silent", "not_awake", "excused", "out", "awake"]
    previous = person["results"].get(window)
    if order.index(result) <= order.index(previous):
        return False
    person["results"][window] = result
    person["revisions"][window] = person["revisions"].get(window, 0) + 1
    name = format_window(window)
    world.say("reports", str(person["subject"]), {
        "type": "checkin", "id": f"{name}#{person['revisions'][window]}", "subject": person["subject"],
        "site": person["profile"]["site"], "window": name, "result": result, "previous": previous,
        "repaired": repaired, "at": stamp(now)})
    return True
