"""What the oracle knows, as plain dicts, and the lines that it prints (docs/contracts.md "Outputs").

A person: profile, history of profiles, results and their revisions, alerts by id in order of opening, all that was
seen, heard, asked and told. Nothing is ever dropped, but what the rules say is dropped.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from naive.records import Json, format_window

WINDOW_KINDS = ("no_report", "not_awake")
EMERGENCIES = ("sos", "fire", "gas", "fall")
RESULTS = [None, "silent", "not_awake", "excused", "out", "awake"]  # rule 4, the worst first


class World:
    """One lane: its people, the last tick of each source, the highest of all, its incidents and its questions."""

    def __init__(self, keks: dict[str, bytes]) -> None:
        self.keks = keks
        self.lane = 0
        self.mine: Callable[[int], bool] = lambda _: True  # whether a subject's lane is this one
        self.people: dict[int, Json] = {}
        self.gateway_ticks: dict[str, int] = {}
        self.quiet_since: dict[str, int] = {}  # rule 18
        self.reached: dict[str, int] = {}  # by gateway: up to when its people were judged
        self.notes: list[Json] = []  # rule 18: what was noted at each deadline
        self.asked: list[Json] = []  # rule 28: each question
        self.clock: int | None = None
        self.highest: int | None = None
        self.incidents: list[Json] = []
        self.incident_commands: dict[str, list[str]] = {}  # by gateway
        self.lines: list[Json] = []
        self.duplicates = 0  # frames that were dropped, counted
        self.clearings = 0  # counts, so that the last alert cleared is known

    def say(self, topic: str, key: str, value: Json) -> None:
        self.lines.append({"topic": topic, "key": key, "value": value})


def new_person(subject: int) -> Json:
    """By slot: `highest_epoch`, `right_clock`, `judged_report`, `weak`, `stuck`, `listens`; by slot and epoch: `seen`.
    """
    return {"subject": subject, "profile": None, "history": [], "time": None, "start": None, "results": {},
            "replaced": {}, "revisions": {}, "judged": set(), "excuses": {}, "commands": [], "alerts": {},
            "highest_epoch": {}, "seen": {}, "right_clock": {}, "judged_report": {}, "weak": {}, "stuck": {},
            "listens": {}, "heard": [], "unusable": [], "asked": [], "told": [], "latest_time": None,
            "latest_activity": None, "newest": None}


def stamp(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def said_by(command: Json) -> Json:
    """Rule 15: what a revision repeats of the command that caused it."""
    return {name: command[of] for name, of in
            (("by", "by"), ("text", "text"), ("command", "id"), ("outcome", "outcome"))}


def say_alert(world: World, person: Json | None, alert: Json, change: str, now: int, **belongs: Any) -> None:
    """Rule 15: one more revision. `by`, `text`, `escalated_to`, `reason`, `command`, `outcome` belong to it alone."""
    alert["revision"] += 1
    alert["at"].setdefault(change, []).append(now)
    site = person["profile"]["site"] if person else None
    key = str(person["subject"]) if person else alert["gateway"]
    window = None if alert["window"] is None else format_window(alert["window"])
    sentence = f"{alert['kind']}: {change}"
    data = {"alert": alert["id"], "revision": alert["revision"], "change": change, "kind": alert["kind"],
            "severity": alert["severity"], "active": alert["active"], "acknowledged_by": alert["acknowledged_by"],
            "assignee": alert["assignee"], "site": site, "window": window, "opened_at": stamp(alert["opened_at"]),
            "changed_at": stamp(now), "cause": alert["cause"], "why": {"ko": sentence, "en": sentence},
            "by": None, "text": None, "escalated_to": None, "reason": None, "command": None, "outcome": None,
            **belongs}
    world.say("alerts", key, {
        "specversion": "1.0", "id": f"{alert['id']}/{alert['revision']}",
        "source": f"/anbu/{site}" if person else "/anbu", "type": f"kr.anbu.alert.{change}", "subject": key,
        "time": stamp(now), "datacontenttype": "application/json", "data": data})


def new_alert(identity: str, kind: str, severity: str, now: int, person: Json | None, likely: str,
              evidence: list[str]) -> Json:
    """`held`: the incident that holds it; `start`: where the times of rules 8, 16 and 25 begin; `at`: by change, when
    it was said. Rule 14: the cause has when the person was last heard; an incident has none."""
    heard = max(person["heard"], default=None) if person else None
    return {"id": identity, "kind": kind, "severity": severity, "active": True, "revision": 0, "window": None,
            "slot": None, "acknowledged_by": None, "acknowledged_at": None, "assignee": None, "opened_at": now,
            "start": now, "escalated": [], "held": None, "cleared_at": None, "cleared_number": None,
            "cleared_reason": None, "at": {},
            "cause": {"likely": likely, "evidence": evidence, "last_heard_at": stamp(heard)}}


def start_anew(alert: Json, now: int) -> None:
    """Rule 16: each reopening, repetition, release and unacknowledgement."""
    alert["start"], alert["escalated"] = now, []


def unacknowledged(alert: Json) -> None:
    alert["acknowledged_by"] = alert["acknowledged_at"] = None


def clear(world: World, person: Json | None, alert: Json, reason: str, now: int, **belongs: Any) -> None:
    world.clearings += 1
    alert["active"], alert["held"] = False, None
    alert["cleared_at"], alert["cleared_number"], alert["cleared_reason"] = now, world.clearings, reason
    say_alert(world, person, alert, "cleared", now, reason=reason, **belongs)


def reopen(world: World, person: Json, alert: Json, now: int, **belongs: Any) -> None:
    """Rules 7 and 15: unacknowledged, with the severity that it had, its start is anew."""
    alert["active"] = True
    unacknowledged(alert)
    start_anew(alert, now)
    say_alert(world, person, alert, "reopened", now, **belongs)


def active(person: Json, *kinds: str) -> list[Json]:
    return [alert for alert in person["alerts"].values() if alert["active"] and alert["kind"] in kinds]


def open_report_alert(world: World, person: Json, kind: str, severity: str, report: Json, now: int,
                      evidence: list[str], reopens: bool) -> Json:
    """All kinds but those of windows: `S:kind:SLOT.EPOCH.COUNTER`, or reopened (rule 15) within 30 minutes."""
    earlier = [alert for alert in person["alerts"].values()
               if alert["kind"] == kind and alert["slot"] == report["slot"] and not alert["active"]
               and now - alert["cleared_at"] <= 30 * 60]
    if reopens and earlier:
        alert: Json = max(earlier, key=lambda one: int(one["cleared_number"]))
        alert["severity"] = severity
        reopen(world, person, alert, now)
        return alert
    likely = "device" if severity == "maintenance" else "person"  # rule 14: other kinds
    alert = new_alert(f"{person['subject']}:{kind}:{report['id']}", kind, severity, now, person, likely, evidence)
    alert["slot"] = report["slot"]
    person["alerts"][alert["id"]] = alert
    say_alert(world, person, alert, "opened", now)
    return alert


def set_result(world: World, person: Json, window: int, result: str, now: int, repaired: bool) -> bool:
    """Rule 4: a better result replaces a worse one, never the reverse; whether it did."""
    previous = person["results"].get(window)
    if RESULTS.index(result) <= RESULTS.index(previous):
        return False
    if result == "excused":  # rule 7: it remembers what it replaced; at a deadline: `silent`
        person["replaced"][window] = previous or "silent"
    say_result(world, person, window, result, now, repaired)
    return True


def say_result(world: World, person: Json, window: int, result: str, now: int, repaired: bool) -> None:
    """A check-in, the next revision."""
    previous = person["results"].get(window)
    person["results"][window] = result
    person["revisions"][window] = person["revisions"].get(window, 0) + 1
    name = format_window(window)
    world.say("reports", str(person["subject"]), {
        "type": "checkin", "id": f"{name}#{person['revisions'][window]}", "subject": person["subject"],
        "site": person["profile"]["site"], "window": name, "result": result, "previous": previous,
        "repaired": repaired, "at": stamp(now)})
