"""What the database must hold after some records, made naively: all that is known of a document, then the newest.

It shares nothing with `stores` but the shapes of the documents. Records come in any order, any number of times.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, timedelta
from statistics import median_low
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from support.expected_devices import Document, Documents, devices, field, order, time, told_at


class Said(NamedTuple):
    """One record, of registry and commands in its subject's partition, where the offset counts. value: parsed JSON."""

    topic: str
    offset: int
    key: str | None
    value: Document | None


def expected(records: Iterable[Said]) -> Documents:
    """Documents by collection and _id, as `documents` of support/history.py finds them."""
    found: Documents = defaultdict(dict)
    said = list(records)
    reports = [one.value for one in said if one.topic == "reports" and one.value and one.value["type"] == "report"]
    checkins = [one.value for one in said if one.topic == "reports" and one.value and one.value["type"] == "checkin"]
    alerts = [one.value for one in said if one.topic == "alerts" and one.value]
    _people(found, said)
    _buckets(found, reports)
    _states(found, reports, checkins)
    devices(found, reports)
    _checkins(found, checkins)
    _alerts(found, alerts)
    _days(found)
    return {name: documents for name, documents in found.items() if documents}


def _people(found: Documents, said: list[Said]) -> None:
    for one in sorted((one for one in said if one.topic == "registry"), key=lambda one: one.offset):
        subject = int(one.key or "") if one.value is None else one.value["subject"]
        if one.value is None:
            profile = None
        else:
            names = {"subject", "site", "gateway", "tz", "since", "retired", "windows", "grace_min", "excused",
                     "escalation", "thresholds", "attributes", "ask_min", "remind"}
            devices = [{"slot": device["slot"], "epoch": device["epoch"]} for device in one.value.get("devices", [])]
            profile = {name: value for name, value in one.value.items() if name in names} | {"devices": devices}
        sites = dict(found["people"].get(str(subject), {}).get("sites", {}))
        if profile is not None:
            sites[field(profile["site"])] = {"site": profile["site"]}
        found["people"][str(subject)] = {
            **({"sites": sites} if sites else {}), "moved": len(sites) > 1,
            "schema": 2, "subject": subject, "ver": one.offset, "gone": profile is None, "profile": profile,
            "site": None if profile is None else profile["site"]}
    for one in said:
        if one.topic == "commands" and one.value and one.value["type"] in ("excuse", "unexcuse"):
            person = found["people"].setdefault(str(one.value["subject"]),
                                                {"schema": 2, "subject": one.value["subject"], "moved": False})
            person.setdefault("excuses", {})[str(one.offset)] = {
                name: one.value.get(name) for name in ("id", "type", "from", "to", "by", "at", "text")}


def _buckets(found: Documents, reports: list[Document]) -> None:
    weeks: dict[tuple[int, str], list[Document]] = defaultdict(list)
    for report in reports:
        received = time(report["received_at"])
        made = time(report["device_time"]) if report["device_time"] else received
        if not received - timedelta(days=60) <= made <= received + timedelta(days=1):
            made = received
        year, week, _ = made.isocalendar()
        weeks[report["subject"], f"{year}-W{week:02d}"].append(report)
    for (subject, period), ones in weeks.items():
        by_id: dict[str, Document] = {}
        # The last one stays: those that are not late after those that are, of these the first to arrive last.
        for report in sorted(ones, key=lambda one: (not one["late"], -time(one["received_at"]).timestamp(),
                                                    one["sms"]["id"] or "")):
            kept = {name: value for name, value in report.items() if name not in ("type", "subject")}
            kept["counts"] = {"place": _place(report) if report["window"] else None, "late": _is_late(report),
                              "woke": report["first_activity"] if report["window"] and not report["late"] else None}
            kept["ver"] = [int(not report["late"]), -int(time(report["received_at"]).timestamp()),
                           report["sms"]["id"] or ""]
            by_id[report["id"].replace(".", "-")] = kept
        seen = {_seen(one): {"place": _place(one), "late": one["late"]} for one in ones if one["window"]}
        found["buckets"][f"{subject}/{period}"] = {
            "schema": 2, "subject": subject, "period": period, "reports": by_id,
            **({"seen": seen} if seen else {}), "c": _of_week(ones, list(by_id.values()))}


def _place(report: Document) -> str:
    return f"{report['window'].split(':')[0]}/{report['site']}"


def _seen(report: Document) -> str:
    return field(_place(report)) + ("~late" if report["late"] else "")


def _is_late(report: Document) -> bool:
    if report["late"] or not report["device_time"]:
        return bool(report["late"])
    return time(report["received_at"]) - time(report["device_time"]) > timedelta(minutes=10)


def _of_week(all_of_them: list[Document], kept: list[Document]) -> Document:
    def late(reports: list[Document]) -> int:
        return sum(map(_is_late, reports))

    def lowest(name: str) -> Any:
        return min((one[name] for one in kept if one[name] is not None), default=None)

    by_place: dict[str, list[Document]] = defaultdict(list)
    for one in kept:
        if one["window"]:
            by_place[_place(one)].append(one)
    days = [{"place": place, "n": len(ones), "late": late(ones),
             "woke": min((one["first_activity"] for one in ones if not one["late"] and one["first_activity"]),
                         default=None)} for place, ones in sorted(by_place.items())]
    return {"n": len(kept), "late": late(kept), "last": max(one["received_at"] for one in kept),
            "battery_min": lowest("battery_pct"), "signal_min": lowest("signal_dbm"),
            "places": sorted({_place(one) for one in all_of_them if one["window"]}), "days": days}


def _states(found: Documents, reports: list[Document], checkins: list[Document]) -> None:
    def state(subject: int) -> Document:
        return found["states"].setdefault(str(subject), {"schema": 2, "subject": subject, "mornings": {}})

    punctual = [one for one in reports if not one["late"]]
    for one in sorted(punctual, key=_heard):
        state(one["subject"])["heard"] = {
            "ver": _heard(one), "at": one["received_at"], "report": one["id"], "site": one["site"]}
    for one in sorted((one for one in punctual if one["activity"] is not None), key=_told):
        kept = ("id", "site", "device_time", "received_at", "window", "result", "battery_pct", "signal_dbm", "temp_c",
                "humidity_pct", "idle_min", "first_activity", "flags")
        state(one["subject"])["report"] = {"ver": _told(one)} | {name: one[name] for name in kept}
    for one in sorted(checkins, key=lambda one: (one["window"], _revision(one))):
        day, half = one["window"].split(":")
        number = (date.fromisoformat(day) - date(2020, 1, 1)).days
        state(one["subject"]).setdefault("windows", {})[half] = {
            "ver": [number, _revision(one)], "window": one["window"], "revision": _revision(one), **_result(one)}
    for one in punctual:
        if one["window"] and one["first_activity"]:
            hours, minutes = one["first_activity"].split(":")
            minute, mornings = int(hours) * 60 + int(minutes), state(one["subject"])["mornings"]
            day = one["window"].split(":")[0]
            earliest = min(minute, mornings.get(day, {"minute": minute})["minute"])
            mornings[day] = {"ver": [-earliest], "minute": earliest}
    for document in found["states"].values():
        document["mornings"] = dict(sorted(document["mornings"].items())[-84:])
        minutes = [one["minute"] for _, one in sorted(document["mornings"].items(), reverse=True)]
        now, before = minutes[:28], minutes[28:56]
        woke, woke_before = (median_low(ones) if ones else None for ones in (now, before))
        document["c"] = {"mornings": len(now), "mornings_before": len(before), "woke": woke, "woke_before": woke_before,
                         "later_min": None if woke is None or woke_before is None else woke - woke_before}


def _heard(report: Document) -> list[int]:
    slot, epoch, counter = order(report)
    return [int(time(report["received_at"]).timestamp()), epoch, counter, slot]


def _told(report: Document) -> list[int]:
    return [int(told_at(report).timestamp()), *_heard(report)]


def _revision(checkin: Document) -> int:
    return int(checkin["id"].split("#")[1])


def _result(checkin: Document) -> Document:
    return {name: checkin[name] for name in ("site", "result", "previous", "repaired", "at")}


def _checkins(found: Documents, checkins: list[Document]) -> None:
    for one in sorted(checkins, key=_revision):
        day, half = one["window"].split(":")
        key = f"{one['subject']}/{one['window']}"
        former = found["checkins"].get(key, {}).get("revisions", {})
        found["checkins"][key] = {
            "schema": 2, "subject": one["subject"], "window": one["window"], "day": day, "half": half,
            "ver": _revision(one), **_result(one), "revisions": {**former, str(_revision(one)): _result(one)}}


def _alerts(found: Documents, alerts: list[Document]) -> None:
    for event in sorted(alerts, key=lambda one: int(one["data"]["revision"])):
        data = event["data"]
        of_gateway = data["kind"] == "gateway_outage"
        collection = "incidents" if of_gateway else "alerts"
        key = f"{data['lane']}/{data['alert']}" if of_gateway else data["alert"]
        subject = event["subject"]
        whose = {"gateway": subject, "lane": data["lane"]} if of_gateway else {"subject": int(subject)}
        step = {name: data[name] for name in ("change", "severity", "site", "by", "text", "why", "reason",
                                              "escalated_to", "command", "outcome")} | {"at": data["changed_at"]}
        former = found[collection].get(key, {}).get("revisions", {})
        state = {name: value for name, value in data.items() if name != "lane"}
        found[collection][key] = {"schema": 2, **whose, "ver": data["revision"], **state,
                                  "revisions": {**former, str(data["revision"]): step}}


def _days(found: Documents) -> None:
    results: Counter[tuple[str, str, str, str]] = Counter(
        (one["day"], one["site"], one["half"], one["result"]) for one in found["checkins"].values())
    kinds: Counter[tuple[str, str, str]] = Counter()
    for one in found["alerts"].values():
        profile = found["people"].get(str(one["subject"]), {}).get("profile")
        zone = ZoneInfo(profile["tz"]) if profile else UTC
        opened = time(one["opened_at"]).astimezone(zone).date().isoformat()
        day = one["window"].split(":")[0] if one["window"] else opened
        kinds[day, one["site"], one["kind"]] += 1
    sms: dict[str, Counter[str]] = defaultdict(Counter)
    woke: dict[str, dict[int, str]] = defaultdict(dict)
    for bucket in found["buckets"].values():
        for one in bucket["c"]["days"]:
            sms[one["place"]].update(n=one["n"], late=one["late"])
            if one["woke"]:
                known = woke[one["place"]].get(bucket["subject"], one["woke"])
                woke[one["place"]][bucket["subject"]] = min(known, one["woke"])
    places = {(key[0], key[1]) for key in [*results, *kinds]} | {
        (day, site) for day, _, site in (place.partition("/") for place in sms)}
    for day, site in places:
        key = f"{day}/{site}"
        found["days"][key] = {
            "schema": 2, "day": day, "site": site,
            "checkins": {half: {one[3]: n for one, n in results.items() if one[:3] == (day, site, half)}
                         for half in ("morning", "afternoon")},
            "alerts": {one[2]: n for one, n in kinds.items() if one[:2] == (day, site)},
            "woke": median_low(woke[key].values()) if woke[key] else None,
            "sms": {"n": sms[key]["n"], "late": sms[key]["late"]}}
