"""The documents of devices that the database must hold, made naively; and the values that other documents share."""

from collections import defaultdict
from datetime import UTC, date, datetime
from statistics import linear_regression
from typing import Any

import pytest

Document = dict[str, Any]
Documents = dict[str, dict[str, Document]]


def devices(found: Documents, reports: list[Document]) -> None:
    units = {"battery_pct": "%", "signal_dbm": "dBm", "temp_c": "°C", "humidity_pct": "%"}
    attributes: dict[str, dict[str, Document]] = defaultdict(dict)
    trends: dict[str, dict[str, Document]] = defaultdict(dict)
    for one in sorted((one for one in reports if not one["late"]), key=_version):
        slot, version = order(one)[0], _version(one)
        key = f"{one['subject']}/{slot}"
        at = f"{told_at(one).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for name, unit in units.items():
            if one[name] is not None:
                attributes[key][name] = {"k": name, "v": one[name], "u": unit, "t": at, "ver": version}
        for attr in one["attrs"]:
            attributes[key][attr["k"]] = {**attr, "t": at, "ver": version}
        day = told_at(one).astimezone(UTC).date()
        trends[key][day.isoformat()] = {"ver": version, "battery": _point(day, one["battery_pct"]),
                                        "signal": _point(day, one["signal_dbm"])}
        found["devices"][key] = {
            "schema": 2, "subject": one["subject"], "slot": slot,
            "heard": {"ver": version, "at": one["received_at"], "report": one["id"], "site": one["site"]},
            "trend": dict(sorted(trends[key].items())[-21:]), "c": _of_trend(trends[key]),
            **({"measured": {field(k): value for k, value in attributes[key].items()}} if attributes[key] else {}),
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


def order(report: Document) -> list[int]:
    return [int(part) for part in report["id"].split("@")[0].split(".")]


def _version(report: Document) -> list[int]:
    """The device's key first, then the clock if it is right, then the counter, which may fall back."""
    _, epoch, counter = order(report)
    at = time(report["received_at"]) if "clock" in report["flags"] else told_at(report)
    return [epoch, int(at.timestamp()), counter]


def told_at(report: Document) -> datetime:
    received = time(report["received_at"])
    return min(time(report["device_time"]), received) if report["device_time"] else received


def field(name: str) -> str:
    plain = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-~")
    return "".join(chr(octet) if octet in plain else f"%{octet:02X}" for octet in name.encode()) or "%"


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)
