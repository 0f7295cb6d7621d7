"""What the database must hold after some records, made naively: all that is known of a document, then the newest.

It shares nothing with `stores` but the shapes of the documents. Records come in any order, any number of times.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from statistics import linear_regression, median_low
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

Document = dict[str, Any]
Documents = dict[str, dict[str, Document]]


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
    _devices(found, reports)
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
                     "escalation", "thresholds", "attributes"}
            devices = [{"slot": device["slot"], "epoch": device["epoch"]} for device in one.value.get("devices", [])]
            profile = {name: value for name, value in one.value.items() if name in names} | {"devices": devices}
        sites = dict(found["people"].get(str(subject), {}).get("sites", {}))
        if profile is not None:
            sites[_field(profile["site"])] = {"site": profile["site"]}
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
        received = _time(report["received_at"])
        made = _time(report["device_time"]) if report["device_time"] else received
        if not received - timedelta(days=60) <= made <= received + timedelta(days=1):
            made = received
        year, week, _ = made.isocalendar()
        weeks[report["subject"], f"{year}-W{week:02d}"].append(report)
    for (subject, period), ones in weeks.items():
        by_id: dict[str, Document] = {}
        # The last one stays: those that are not late after those that are, of these the first to arrive last.
        for report in sorted(ones, key=lambda one: (not one["late"], -_time(one["received_at"]).timestamp(),
                                                    one["sms"]["id"] or "")):
            kept = {name: value for name, value in report.items() if name not in ("type", "subject")}
            kept["counts"] = {"place": _place(report) if report["window"] else None, "late": _is_late(report),
                              "woke": report["first_activity"] if report["window"] and not report["late"] else None}
            kept["ver"] = [int(not report["late"]), -int(_time(report["received_at"]).timestamp()),
                           report["sms"]["id"] or ""]
            by_id[report["id"].replace(".", "-")] = kept
        seen = {_seen(one): {"place": _place(one), "late": one["late"]} for one in ones if one["window"]}
        found["buckets"][f"{subject}/{period}"] = {
            "schema": 2, "subject": subject, "period": period, "reports": by_id,
            **({"seen": seen} if seen else {}), "c": _of_week(ones, list(by_id.values()))}


def _place(report: Document) -> str:
    return f"{report['window'].split(':')[0]}/{report['site']}"


def _seen(report: Document) -> str:
    return _field(_place(report)) + ("~late" if report["late"] else "")


def _is_late(report: Document) -> bool:
    if report["late"] or not report["device_time"]:
        return bool(report["late"])
    return _time(report["received_at"]) - _time(report["device_time"]) > timedelta(minutes=10)


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


def _order(report: Document) -> list[int]:
    return [int(part) for part in report["id"].split(".")]


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
    slot, epoch, counter = _order(report)
    return [int(_time(report["received_at"]).timestamp()), epoch, counter, slot]


def _told_at(report: Document) -> datetime:
    received = _time(report["received_at"])
    return min(_time(report["device_time"]), received) if report["device_time"] else received


def _told(report: Document) -> list[int]:
    return [int(_told_at(report).timestamp()), *_heard(report)]


def _devices(found: Documents, reports: list[Document]) -> None:
    units = {"battery_pct": "%", "signal_dbm": "dBm", "temp_c": "°C", "humidity_pct": "%"}
    attributes: dict[str, dict[str, Document]] = defaultdict(dict)
    trends: dict[str, dict[str, Document]] = defaultdict(dict)
    for one in sorted((one for one in reports if not one["late"]), key=lambda one: _order(one)[1:]):
        slot, epoch, counter = _order(one)
        key = f"{one['subject']}/{slot}"
        at = f"{_told_at(one).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for name, unit in units.items():
            if one[name] is not None:
                attributes[key][name] = {"k": name, "v": one[name], "u": unit, "t": at, "ver": [epoch, counter]}
        for attr in one["attrs"]:
            attributes[key][attr["k"]] = {**attr, "t": at, "ver": [epoch, counter]}
        day = _told_at(one).astimezone(UTC).date()
        trends[key][day.isoformat()] = {"ver": [epoch, counter], "battery": _point(day, one["battery_pct"]),
                                        "signal": _point(day, one["signal_dbm"])}
        found["devices"][key] = {
            "schema": 2, "subject": one["subject"], "slot": slot,
            "heard": {"ver": [epoch, counter], "at": one["received_at"], "report": one["id"], "site": one["site"]},
            "trend": dict(sorted(trends[key].items())[-21:]), "c": _of_trend(trends[key]),
            **({"measured": {_field(k): value for k, value in attributes[key].items()}} if attributes[key] else {}),
            "attrs": [{name: value for name, value in attributes[key][k].items() if name != "ver"}
                      for k in sorted(attributes[key], key=str.encode)]}


def _point(day: date, value: int | None) -> Document | None:
    x = day.toordinal()
    return None if value is None else {"x": x, "y": value, "xx": x * x, "xy": x * value}


def _of_trend(trend: dict[str, Document]) -> Document:
    days = [one for _, one in sorted(trend.items())][-21:]
    days = [one for one in days if one["ver"][0] == max(one["ver"][0] for one in days)]

    def last(name: str) -> Any:
        return next((one[name]["y"] for one in reversed(days) if one[name] is not None), None)

    def slope(name: str) -> float | None:
        points = [(one[name]["x"] - 730_000, one[name]["y"]) for one in days if one[name] is not None]
        if len(points) < 3:
            return None
        x, y = [one for one, _ in points], [one for _, one in points]
        return linear_regression(x, y).slope

    def near(value: float | None) -> Any:
        return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)

    battery, signal = slope("battery"), slope("signal")
    going_down = battery is not None and battery < -1e-9
    return {"battery_pct": last("battery"), "signal_dbm": last("signal"),
            "battery_a_week": near(None if battery is None else battery * 7),
            "signal_a_week": near(None if signal is None else signal * 7),
            "days_left": near(last("battery") / -battery) if battery is not None and going_down else None}


def _field(name: str) -> str:
    plain = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-~")
    return "".join(chr(octet) if octet in plain else f"%{octet:02X}" for octet in name.encode()) or "%"


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
                                              "escalated_to")} | {"at": data["changed_at"]}
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
        opened = _time(one["opened_at"]).astimezone(zone).date().isoformat()
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


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
