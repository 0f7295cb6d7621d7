"""contracts.md "Inputs", read literally: the value of a record becomes a plain dict, or is `malformed`.

Times become epoch seconds UTC with the fraction dropped, dates days since 2020-01-01, windows of the day minutes.
"""

import base64
import binascii
import itertools
import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from naive.wire import Refused

Json = dict[str, Any]
FIRST_DAY = date(2020, 1, 1)
LONGEST_EXCUSE = 366  # days, rule 7
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_THRESHOLDS = {"battery_pct": 15, "signal_dbm": -105, "idle_h": 12, "out_h": 36, "temp_c": [5, 33]}
_WINDOWS = {"morning": {"open": "06:00", "close": "09:00"}, "afternoon": {"open": "13:00", "close": "15:00"}}


def need(holds: object, field: str) -> None:
    if not holds:
        raise Refused("malformed", field)


def parse_time(value: object, field: str) -> int:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    need(match, field)
    assert match
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}" + match[3].upper().replace("Z", "+00:00"))
    except ValueError:
        raise Refused("malformed", field) from None
    return int(moment.timestamp())


def parse_date(value: object, field: str) -> int:
    need(isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII), field)
    try:
        return (date.fromisoformat(str(value)) - FIRST_DAY).days
    except ValueError:
        raise Refused("malformed", field) from None


def format_day(day: int) -> str:
    return (FIRST_DAY + timedelta(days=day)).isoformat()


def format_window(window: int) -> str:
    return f"{format_day(window // 2)}:{'afternoon' if window % 2 else 'morning'}"


def is_int(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _minute(value: object, field: str) -> int:
    need(isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII), field)
    hour, minute = str(value).split(":")
    return int(hour) * 60 + int(minute)


def parse_registry(value: Json) -> Json:
    """The operational profile of a subject, its defaults filled in."""
    need(is_int(value.get("subject"), 0, 2**32 - 1), "subject")
    for field in ("site", "gateway", "tz"):
        need(isinstance(value.get(field), str) and value[field], field)
    try:
        zone = ZoneInfo(value["tz"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused("malformed", "tz") from None
    profile = {"subject": value["subject"], "site": value["site"], "gateway": value["gateway"], "zone": zone,
               "since": parse_time(value.get("since"), "since")}
    profile["retired"] = value.get("retired", False)
    need(isinstance(profile["retired"], bool), "retired")
    profile["grace_min"] = value.get("grace_min", 30)
    need(is_int(profile["grace_min"], 0, 10**6), "grace_min")
    windows = value.get("windows", _WINDOWS)
    need(isinstance(windows, dict), "windows")
    profile["windows"] = {}
    for half, name in enumerate(("morning", "afternoon")):
        if windows.get(name) is not None:
            need(isinstance(windows[name], dict), f"windows.{name}")
            opens, closes = (_minute(windows[name].get(end), f"windows.{name}") for end in ("open", "close"))
            need(opens < closes, f"windows.{name}")
            profile["windows"][half] = (opens, closes)
    profile["devices"] = [_device(one) for one in _list(value, "devices")]
    profile["excused"] = [_excuse(one) for one in _list(value, "excused")]
    profile["escalation"] = [_step(one) for one in _list(value, "escalation")]
    thresholds = value.get("thresholds", {})
    need(isinstance(thresholds, dict), "thresholds")
    profile["thresholds"] = {**_THRESHOLDS, **thresholds}
    for name in ("battery_pct", "signal_dbm", "idle_h", "out_h"):
        need(is_number(profile["thresholds"][name]), f"thresholds.{name}")
    low_high = profile["thresholds"]["temp_c"]
    need(isinstance(low_high, list) and len(low_high) == 2 and all(map(is_number, low_high)), "thresholds.temp_c")
    profile["remind"] = _remind(value.get("remind", {}))
    profile["ask_min"] = _ask_min(value.get("ask_min", []))
    attributes = value.get("attributes", {})
    need(isinstance(attributes, dict), "attributes")
    profile["attributes"] = {int(number): row for number, row in attributes.items()}
    return profile


def _list(value: Json, field: str) -> list[Any]:
    found = value.get(field, [])
    need(isinstance(found, list) and all(isinstance(one, dict) for one in found), field)
    return list(found)


def _device(one: Json) -> Json:
    need(is_int(one.get("slot"), 0, 7), "devices.slot")
    need(is_int(one.get("epoch"), 0, 2**24 - 1), "devices.epoch")
    need(isinstance(one.get("kek"), str), "devices.kek")
    need(isinstance(one.get("key"), str), "devices.key")
    try:
        key = base64.b64decode(one["key"].encode(), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("malformed", "devices.key") from None
    number = one.get("msisdn")
    need(number is None or (isinstance(number, str) and re.fullmatch(r"\+[1-9]\d{1,14}", number, re.ASCII)),
         "devices.msisdn")
    return {"slot": one["slot"], "epoch": one["epoch"], "kek": one["kek"], "key": key, "msisdn": number}


def _remind(value: object) -> Json:
    """Rule 25: minutes; 0: never."""
    need(isinstance(value, dict), "remind")
    assert isinstance(value, dict)
    found = {"urgent_min": 30, "other_min": 240, **value}
    for name in ("urgent_min", "other_min"):
        need(is_int(found[name], 0, 10**6), f"remind.{name}")
    return found


def _ask_min(value: object) -> list[int]:
    """Rule 26: minutes after the close, rising, at most seven."""
    need(isinstance(value, list) and len(value) <= 7 and all(is_int(one, 0, 10**6) for one in value), "ask_min")
    assert isinstance(value, list)
    need(all(earlier < later for earlier, later in itertools.pairwise(value)), "ask_min")
    return list(value)


def _excuse(one: Json) -> tuple[int, int]:
    first, last = parse_date(one.get("from"), "excused.from"), parse_date(one.get("to"), "excused.to")
    need(first <= last <= first + LONGEST_EXCUSE, "excused.to")
    return first, last


def _step(one: Json) -> tuple[int, str]:
    need(is_int(one.get("after_min"), 0, 10**6), "escalation.after_min")
    need(isinstance(one.get("to"), str) and one["to"], "escalation.to")
    return one["after_min"], one["to"]


def parse_command(value: Json) -> Json:
    """ "Required: `id`, `type`, `subject`, `by`, `at`", and what the type needs; an incident's has `gateway` instead of
    `subject`."""
    need(isinstance(value.get("id"), str) and value["id"], "id")
    kind, gateway = value.get("type"), value.get("gateway")
    if value.get("subject") is None and gateway is not None:
        need(isinstance(gateway, str) and gateway, "gateway")
        need(kind in ("acknowledge", "assign", "comment"), "type")
    else:
        need(kind in ("acknowledge", "unacknowledge", "assign", "comment", "resolve", "reopen", "excuse", "unexcuse"),
             "type")
        need(is_int(value.get("subject"), 0, 2**32 - 1), "subject")
        gateway = None
    need(isinstance(value.get("by"), str) and value["by"], "by")
    command = {"id": value["id"], "type": kind, "subject": value.get("subject"), "gateway": gateway,
               "by": value["by"], "at": parse_time(value.get("at"), "at"), "text": value.get("text"),
               "assignee": value.get("assignee"), "alert": None, "outcome": None}
    if kind in ("excuse", "unexcuse"):
        command["from"], command["to"] = parse_date(value.get("from"), "from"), parse_date(value.get("to"), "to")
        need(command["from"] <= command["to"] <= command["from"] + LONGEST_EXCUSE, "to")
    else:
        need(isinstance(value.get("alert"), str), "alert")
        command["alert"] = value["alert"]
    need(kind != "assign" or (isinstance(command["assignee"], str) and command["assignee"]), "assignee")
    need(kind != "comment" or (isinstance(command["text"], str) and command["text"]), "text")
    need(command["text"] is None or isinstance(command["text"], str), "text")
    if kind in ("comment", "resolve") and value.get("outcome") is not None:
        need(isinstance(value["outcome"], str) and re.fullmatch(r"[a-z_]{1,40}", value["outcome"]), "outcome")
        command["outcome"] = value["outcome"]
    return command


def parse_sms(value: Json) -> Json:
    """An SMS or a tick: `type` may be missing from an SMS, of a tick all is required."""
    if value.get("type", "sms") == "tick":
        need(value.get("source") in ("gateway", "clock"), "source")
        gateway = value.get("gateway") if value["source"] == "gateway" else None
        need(value["source"] == "clock" or (isinstance(gateway, str) and gateway), "gateway")
        quiet_since = value.get("quiet_since") if gateway is not None else None
        return {"type": "tick", "gateway": gateway, "at": parse_time(value.get("at"), "at"),
                "quiet_since": None if quiet_since is None else parse_time(quiet_since, "quiet_since")}
    need(value.get("type", "sms") == "sms", "type")
    for field in ("text", "binary", "gateway", "id", "sender"):
        need(value.get(field) is None or isinstance(value[field], str), field)
    received_at = parse_time(value.get("received_at"), "received_at")
    need(value.get("text") is not None or value.get("binary") is not None, "text")
    return {"type": "sms", "received_at": received_at,
            **{field: value.get(field) for field in ("text", "binary", "gateway", "id", "sender")}}
