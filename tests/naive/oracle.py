"""A naive second implementation of `anbu replay`: docs/rules.md and docs/contracts.md, one sentence after the other.

Slow and plain on purpose: it keeps everything and looks at everybody at every tick, so that it can be read beside
the text and believed. `replay(lines, keks)` takes the lines of `anbu replay` and gives the lines that it prints.
"""

import base64
import json
from collections import Counter
from typing import Any

from naive import wire
from naive.gateways import gateway_time, on_tick
from naive.records import Json, need, parse_command, parse_registry, parse_sms
from naive.reports import on_report, receive
from naive.windows import is_excused, local_day
from naive.wire import Refused
from naive.world import WINDOW_KINDS, World, clear, new_person, say_alert, set_result, stamp


class Replay:
    """A replay that can be looked at after each line."""

    def __init__(self, keks: dict[str, bytes]) -> None:
        self.world = World(keks)
        self._offsets = Counter[str]()

    def add(self, line: Json) -> list[Json]:
        """The lines that this one makes."""
        before = len(self.world.lines)
        _fold(self.world, line, self._offsets[line["topic"]])
        self._offsets[line["topic"]] += 1
        return self.world.lines[before:]


def replay(lines: list[Json], keks: dict[str, bytes]) -> list[Json]:
    """What `anbu replay` prints for these lines."""
    replayed = Replay(keks)
    return [output for line in lines for output in replayed.add(line)]


def _fold(world: World, line: Json, offset: int) -> None:
    topic, now, key = line["topic"], None, line.get("key", "")
    original: Any = None
    try:
        original, value = _value_of(line)
        if topic == "registry" and original is None:
            on_tombstone(world, key)
            return
        need(isinstance(value, dict), "not an object")
        if topic == "registry":
            on_registry(world, parse_registry(value))
        elif topic == "commands":
            command = parse_command(value)
            key, now = key or str(command["subject"]), command["at"]
            on_command(world, command)
        else:
            sms = parse_sms(value)
            if sms["type"] == "tick":
                on_tick(world, sms["gateway"], sms["at"])
                return
            key, now = key or sms["sender"] or "", sms["received_at"]
            frame = wire.find_frame(sms["text"], sms["binary"])
            key = line.get("key") or str(wire.header_of(frame)["subject"])
            person, report = receive(world, frame)
            on_report(world, person, report, sms)
    except Refused as refused:
        world.say("quarantine", key, {
            "reason": refused.reason, "detail": refused.detail, "at": stamp(now),
            "origin": {"topic": topic, "partition": 0, "offset": offset}, "original": original})


def _value_of(line: Json) -> tuple[Any, Any]:
    """The original for quarantine, and the value: `raw` are the record's octets, which may be no JSON."""
    if "raw" not in line:
        return line["value"], line["value"]
    try:
        value = json.loads(base64.b64decode(line["raw"]))
    except ValueError:
        return {"raw": line["raw"]}, None
    return value, value


def _clear_all(world: World, person: Json, now: int) -> None:
    """Rule 7: `retired` or a tombstone clears all."""
    for alert in list(person["alerts"].values()):
        if alert["active"]:
            clear(world, person, alert, "retired", now)


def on_tombstone(world: World, key: str) -> None:
    if not key.isdecimal() or key != str(int(key)):
        raise Refused("malformed", "key")
    person = world.people.get(int(key))
    if person:
        _clear_all(world, person, person["profile"]["since"] if world.highest is None else world.highest)
        del world.people[int(key)]


def on_registry(world: World, profile: Json) -> None:
    """Rules 2 and 7. Now is the highest tick of any source, before any: `since`."""
    now = profile["since"] if world.highest is None else world.highest
    person = world.people.setdefault(profile["subject"], new_person(profile["subject"]))
    person["history"].append((person["time"], profile))
    person["profile"] = profile
    gateway = gateway_time(world, profile["gateway"])
    if gateway is not None:
        person["time"] = gateway if person["time"] is None else max(person["time"], gateway)
        person["start"] = gateway if person["start"] is None else person["start"]
    if profile["retired"]:
        _clear_all(world, person, now)
    for first, last in profile["excused"]:
        days = [day for day in range(first, last + 1) if is_excused(person, day)]
        _excuse(world, person, days, now)


def _excuse(world: World, person: Json, days: list[int], now: int, **belongs: Any) -> None:
    """Rule 7: an excuse counts at once."""
    for window, result in list(person["results"].items()):
        if window // 2 in days and result in ("silent", "not_awake"):
            set_result(world, person, window, "excused", now, repaired=False)
    for alert in list(person["alerts"].values()):
        of_those_dates = alert["kind"] in WINDOW_KINDS and alert["window"] // 2 in days
        still = alert["kind"] == "inactivity" and local_day(now, person["profile"]["zone"]) in days
        if alert["active"] and (of_those_dates or still):
            clear(world, person, alert, "excused", now, **belongs)


def on_command(world: World, command: Json) -> None:
    """Rules 7 and 15."""
    person = world.people.get(command["subject"])
    if person is None:
        raise Refused("unknown_subject", str(command["subject"]))
    if command["id"] in person["commands"][-64:]:
        return
    person["commands"].append(command["id"])
    now, said = command["at"], {"by": command["by"], "text": command["text"]}
    if command["type"] in ("excuse", "unexcuse"):
        days = list(range(command["from"], command["to"] + 1))
        for day in days:
            person["excuses"][day] = command["type"] == "excuse"
        if command["type"] == "excuse":
            _excuse(world, person, days, now, **said)
        return
    alert = person["alerts"].get(command["alert"])
    if alert is None or not alert["active"]:
        raise Refused("stale_command", command["alert"])
    match command["type"]:
        case "acknowledge" if alert["acknowledged_by"] is None:
            alert["acknowledged_by"], alert["acknowledged_at"] = command["by"], now
            say_alert(world, person, alert, "acknowledged", now, **said)
        case "acknowledge" if alert["acknowledged_by"] != command["by"]:
            raise Refused("stale_command", command["alert"])
        case "assign":
            alert["assignee"] = command["assignee"]
            say_alert(world, person, alert, "assigned", now, **said)
        case "comment":
            say_alert(world, person, alert, "commented", now, **said)
        case "resolve":
            clear(world, person, alert, "resolved", now, **said)
