"""A naive second implementation of `anbu replay`: docs/rules.md and docs/contracts.md, one sentence after the other.

Slow and plain on purpose: it keeps everything and looks at everybody at every tick, so that it can be read beside
the text and believed. `replay(lines, keks)` takes the lines of `anbu replay` and gives the lines that it prints.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from naive import wire
from naive.commands import on_command
from naive.gateways import gateway_time, on_tick
from naive.records import Json, need, parse_command, parse_registry, parse_sms
from naive.reports import on_report, receive
from naive.window_alerts import excuse, retire, take_back
from naive.windows import is_excused
from naive.wire import Refused
from naive.world import World, new_person, stamp


class Replay:
    """A replay that can be looked at after each line."""

    def __init__(self, keks: dict[str, bytes]) -> None:
        self.world = World(keks)
        self._offsets = Counter[str]()

    def add(self, line: Json) -> list[Json]:
        """The lines that this one makes."""
        before = len(self.world.lines)
        _fold(self.world, line, self._offsets[line["topic"]])
        self.skip(line)
        return self.world.lines[before:]

    def skip(self, line: Json) -> None:
        """The line is read, and is about nobody here."""
        self._offsets[line["topic"]] += 1

    def refuse(self, line: Json, refused: Refused) -> None:
        """The line goes to quarantine unread."""
        _quarantine(self.world, refused, line, self._offsets[line["topic"]], line.get("key", ""), None)
        self.skip(line)


def replay(lines: list[Json], keks: dict[str, bytes]) -> list[Json]:
    """What `anbu replay` prints for these lines."""
    replayed = Replay(keks)
    return [output for line in lines for output in replayed.add(line)]


def _fold(world: World, line: Json, offset: int) -> None:
    topic, now, key = line["topic"], None, line.get("key", "")

    def quarantine(refused: Refused, key: str) -> None:
        _quarantine(world, refused, line, offset, key, now)

    try:
        original, value = value_of(line)
        if topic == "registry" and original is None:
            on_tombstone(world, key)
            return
        need(isinstance(value, dict), "not an object")
        if topic == "registry":
            on_registry(world, parse_registry(value))
        elif topic == "commands":
            on_command(world, parse_command(value))
        else:
            sms = parse_sms(value)
            if sms["type"] == "tick":
                on_tick(world, sms["gateway"], sms["at"], sms["quiet_since"])
                return
            key, now = key or sms["sender"] or "", sms["received_at"]
            on_sms(world, line, sms, quarantine)
    except Refused as refused:
        quarantine(refused, key)


def _quarantine(world: World, refused: Refused, line: Json, offset: int, key: str, now: int | None) -> None:
    world.say("quarantine", key, {
        "reason": refused.reason, "detail": refused.detail, "at": stamp(now), "original": value_of(line)[0],
        "origin": {"topic": line["topic"], "partition": world.lane, "offset": offset}})


def value_of(line: Json) -> tuple[Any, Any]:
    """The original for quarantine, and the value: `raw` are the record's octets, which may be no JSON."""
    if "raw" not in line:
        return line["value"], line["value"]
    try:
        value = json.loads(base64.b64decode(line["raw"]))
    except ValueError:
        return {"raw": line["raw"]}, None
    return value, value


def on_tombstone(world: World, key: str) -> None:
    """Rule 7: every alert is cleared, and the person forgotten."""
    if not key.isdecimal() or key != str(int(key)):
        raise Refused("malformed", "key")
    person = world.people.get(int(key))
    if person:
        retire(world, person, person["profile"]["since"] if world.highest is None else world.highest)
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
        retire(world, person, now)
    take_back(world, person, now)
    for first, last in profile["excused"]:
        excuse(world, person, [day for day in range(first, last + 1) if is_excused(person, day)], now)


def on_sms(world: World, line: Json, sms: Json, quarantine: Callable[[Refused, str], None]) -> None:
    """Each frame of a text by itself, those of people of this lane; the key of the record is that of the first."""
    frames = wire.find_frames(sms["text"], sms["binary"])
    key = line.get("key") or str(wire.header_of(frames[0])["subject"])
    for frame in (one for one in frames if world.mine(wire.header_of(one)["subject"])):
        try:
            person, report = receive(world, frame, sms["received_at"])
            on_report(world, person, report, sms)
        except Refused as refused:
            quarantine(refused, key)
