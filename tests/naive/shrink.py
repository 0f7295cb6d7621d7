"""Makes a story in which two implementations differ small, and prints it for a person to read."""

import json
from collections.abc import Callable

from naive import wire
from naive.devices import device_key
from naive.records import Json, format_window
from naive.world import stamp


def smaller(lines: list[Json], differs: Callable[[list[Json]], bool]) -> list[Json]:
    """Lines without those that the difference does not need (ddmin: halves, quarters, … down to single lines)."""
    size = len(lines) // 2
    while size:
        start = 0
        while start < len(lines):
            without = lines[:start] + lines[start + size:]
            if differs(without):
                lines = without
            else:
                start += size
        size //= 2
    return lines


def told(line: Json) -> str:
    """One line of the input in words: what is in the frame, where it can be opened."""
    value = line.get("value")
    if line["topic"] != "sms" or not isinstance(value, dict):
        return json.dumps({**line, "value": _short(value)}, ensure_ascii=False)
    if value.get("type") == "tick":
        quiet = f", quiet since {value['quiet_since']}" if "quiet_since" in value else ""
        return f"{value.get('at')} tick {value.get('gateway', value.get('source'))}{quiet}"
    return f"{value.get('received_at')} sms at {value.get('gateway')}: {_frames(value)}"


def _short(value: object) -> object:
    if not isinstance(value, dict):
        return value
    devices = [f"{one.get('slot')}.{one.get('epoch')}" for one in value.get("devices", [])]
    return {**value, **({"devices": devices} if devices else {})}


def _frames(value: Json) -> str:
    try:
        return "; ".join(_frame(frame) for frame in wire.find_frames(value.get("text"), value.get("binary")))
    except wire.Refused as refused:
        return refused.reason


def _frame(frame: bytes) -> str:
    """The header, and what is not as usual in the plaintext."""
    head = wire.header_of(frame)
    for epoch in range(head["epoch_low"], 64, 4):
        try:
            plain = wire.open_frame(device_key(head["subject"], head["slot"], epoch), frame, epoch)
            fields = wire.decode(plain, {})
        except wire.Refused:
            continue
        usual = {"battery_pct": 80, "signal_dbm": -80, "temp_c": 21, "faults": 0, "alarm": 0, "previous": [0] * 16}
        if set(fields.get("activity", ())) == {15}:
            fields["flags"].append("stuck")
        hidden = {"activity", "reset_cause", "firmware", "config", "humidity_pct", "first_activity_min",
                  *(() if fields.get("alarm") else ("alarm_age_min",))}
        if fields["type"] == 1:
            fields["window"] = fields["window"] and format_window(fields["window"])
            fields["device_time"] = fields["device_time"] and stamp(fields["device_time"])
        shown = {name: field for name, field in fields.items() if name not in hidden and usual.get(name, ...) != field}
        return f"{head['subject']} {head['slot']}.{epoch}.{head['counter']} {shown}"
    return f"{head} not opened"


def story(lines: list[Json]) -> str:
    return "\n".join(told(line) for line in lines)
