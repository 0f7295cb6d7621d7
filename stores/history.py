"""Records of the topics as changes of documents: pure, a function for each kind of record.

An _id starts with the subject, as report and check-in ids are unique within one subject only; an incident's has its
lane. Map keys are event ids with `.` written `-`.
"""

from datetime import date
from typing import Any

from stores.operations import Change, Document

PEOPLE, STATES, DEVICES, BUCKETS = "people", "states", "devices", "buckets"
CHECKINS, ALERTS, INCIDENTS, DAYS = "checkins", "alerts", "incidents", "days"
SCHEMA = 1


def of_alert(event: Document) -> list[Change]:
    """A revision of an alert, or of an incident: the current one, and every one by its number."""
    data = event["data"]
    revision: int = data["revision"]
    current = {"schema": SCHEMA, **{name: value for name, value in data.items() if name not in ("change",)},
               "change": data["change"]}
    entry = {("revisions", str(revision)): {"at": event["time"], "change": data["change"], "by": data["by"],
                                            "text": data["text"], "why": data["why"], "reason": data["reason"],
                                            "escalated_to": data["escalated_to"], "severity": data["severity"]}}
    if data["kind"] == "gateway_outage":
        return [Change(INCIDENTS, f"{data['lane']}/{data['alert']}", revision, {"gateway": event["subject"], **current},
                       entries=entry)]
    return [Change(ALERTS, data["alert"], revision, {"subject": int(event["subject"]), **current}, entries=entry)]


def of_checkin(checkin: Document) -> list[Change]:
    """The result of a window, by its revision; and of the person's recent windows."""
    subject, window = checkin["subject"], checkin["window"]
    revision = int(checkin["id"].rsplit("#", 1)[1])
    day, half = window.split(":")
    fields = {"schema": SCHEMA, "subject": subject, "site": checkin["site"], "day": day, "half": half,
              **{name: checkin[name] for name in ("window", "result", "previous", "repaired", "at")}}
    return [Change(CHECKINS, f"{subject}/{window}", revision, fields)]


def of_report(report: Document) -> list[Change]:
    """A report in its week's bucket, and what is current of person and device if it is the newest."""
    subject, slot = report["subject"], report["id"].split(".")[0]
    received = report["received_at"]
    year, week, _ = date.fromisoformat(received[:10]).isocalendar()
    period = f"{year}-W{week:02d}"
    bucket = Change(BUCKETS, f"{subject}/{period}",
                    always={"schema": SCHEMA, "subject": subject, "period": period},
                    reports={("reports", report["id"].replace(".", "-")): report})
    if report["late"]:
        return [bucket]
    version = [received, *(int(part) for part in report["id"].split("."))]
    current: Document = {"schema": SCHEMA, "subject": subject, "site": report["site"], "received_at": received}
    if report["attrs"]:
        attributes = {**current, "attrs": report["attrs"]}
        return [bucket, Change(DEVICES, f"{subject}/{slot}/attributes", version, attributes)]
    measured = ("battery_pct", "signal_dbm", "temp_c", "humidity_pct")
    device = {**current, "slot": int(slot), "attrs": [{"k": name, "v": report[name]} for name in measured]}
    state = {**current, "device_time": report["device_time"], "window": report["window"], "result": report["result"],
             "idle_min": report["idle_min"], "first_activity": report["first_activity"], "flags": report["flags"]}
    return [bucket, Change(STATES, str(subject), version, state), Change(DEVICES, f"{subject}/{slot}", version, device)]


def of_registry(subject: int, profile: Document | None, offset: int) -> list[Change]:
    """The operational profile, never its keys; its version is the record's offset. None: a tombstone."""
    if profile is None:
        return [Change(PEOPLE, str(subject), offset, {"schema": SCHEMA, "subject": subject, "gone": True,
                                                      "profile": None})]
    kept = {name: value for name, value in profile.items() if name != "devices"}
    kept["devices"] = [{"slot": one["slot"], "epoch": one["epoch"]} for one in profile.get("devices") or []]
    return [Change(PEOPLE, str(subject), offset, {"schema": SCHEMA, "subject": subject, "site": profile["site"],
                                                  "gone": False, "profile": kept})]


def of_command(command: Document, offset: int) -> list[Change]:
    """Excuses, by their offset; what is done to an alert comes back as its revision."""
    if command["type"] not in ("excuse", "unexcuse"):
        return []
    entry = {name: command.get(name) for name in ("type", "from", "to", "by", "at", "text")}
    return [Change(PEOPLE, str(command["subject"]), always={"subject": command["subject"]},
                   entries={("excuses", str(offset)): entry})]


def merged(changes: list[Change]) -> list[Change]:
    """One change a document."""
    by_id: dict[tuple[str, str], Change] = {}
    for change in changes:
        there = by_id.setdefault((change.collection, change.id), change)
        if there is not change:
            there.merge(change)
    return list(by_id.values())


def day_figures(checkins: list[Document], alerts: list[Document]) -> tuple[int, Document]:
    """Version and figures of a site's day, from all its check-ins and the alerts opened then. The version is the sum of
    all revisions, which only grows: so a figure made from less never replaces one made from more."""
    results: dict[str, dict[str, int]] = {"morning": {}, "afternoon": {}}
    kinds: dict[str, int] = {}
    for one in checkins:
        half = results[one["half"]]
        half[one["result"]] = half.get(one["result"], 0) + 1
    for one in alerts:
        kinds[one["kind"]] = kinds.get(one["kind"], 0) + 1
    version = sum(one["ver"] for one in checkins) + sum(one["ver"] for one in alerts)
    ordered: dict[str, Any] = {half: dict(sorted(counts.items())) for half, counts in results.items()}
    return version, {"schema": SCHEMA, "checkins": ordered, "alerts": dict(sorted(kinds.items()))}
