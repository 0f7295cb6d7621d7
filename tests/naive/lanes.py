"""docs/wire-format.md "On the air" and docs/contracts.md "Partitions", with more than one lane: forwarding, naively.

A person's lane is the subject number modulo the number of lanes, so that no hash is needed here.
"""

from random import Random
from typing import Any

from naive import wire
from naive.oracle import Replay, value_of
from naive.records import Json, need, parse_command, parse_registry, parse_sms
from naive.wire import Refused

FORWARDED = "anbu-forwarded"


class Lanes:
    """Lanes side by side. What one forwards comes to the other at once, behind all that it has read."""

    def __init__(self, keks: dict[str, bytes], number: int) -> None:
        self.replays = [Replay(keks) for _ in range(number)]
        self.forwards: list[tuple[str, int, int]] = []  # topic, from lane, to lane
        for lane, replay in enumerate(self.replays):
            replay.world.lane = lane
            replay.world.mine = lambda subject, lane=lane: subject % number == lane  # type: ignore[misc]

    def add(self, lane: int, line: Json, forwarded: bool = False) -> None:
        replay = self.replays[lane]
        owners = {subject % len(self.replays) for subject in _subjects(line)}
        others = sorted(owners - {lane})
        if forwarded and lane not in owners:
            replay.refuse(line, Refused("malformed", FORWARDED))
            return
        if lane in owners or not others:
            replay.add(line)
        else:
            replay.skip(line)
        for other in [] if forwarded else others:
            self.forwards.append((line["topic"], lane, other))
            self.add(other, line, forwarded=True)

    def lines(self) -> list[list[Json]]:
        """The outputs of each lane."""
        return [replay.world.lines for replay in self.replays]


def _subjects(line: Json) -> list[int]:
    """The people that a record is about; none: it stays in the lane that it came to."""
    try:
        original, value = value_of(line)
        if line["topic"] == "registry" and original is None:
            need(str(line["key"]).isdecimal(), "key")
            return [int(line["key"])]
        need(isinstance(value, dict), "not an object")
        if line["topic"] == "registry":
            return [parse_registry(value)["subject"]]
        if line["topic"] == "commands":
            subject = parse_command(value)["subject"]
            return [] if subject is None else [subject]
        sms = parse_sms(value)
        frames = [] if sms["type"] == "tick" else wire.find_frames(sms["text"], sms["binary"])
        return [wire.header_of(frame)["subject"] for frame in frames]
    except Refused:
        return []


def placed(seed: int, lines: list[Json], number: int) -> list[tuple[int, Json]]:
    """The lines with the lane that each comes to: mostly that of its first person; ticks and commands on incidents come
    to all."""
    dice, found = Random(seed), list[tuple[int, Json]]()
    for line in lines:
        value: Any = line.get("value")
        subjects = _subjects(line)
        if isinstance(value, dict) and (value.get("type") == "tick" or ("gateway" in value and "alert" in value)):
            found += [(lane, line) for lane in range(number)]
        elif subjects and dice.random() < 0.85:
            found.append((subjects[0] % number, line))
        else:
            found.append((dice.randrange(number) if subjects else 0, line))
    return found


def replay_in_lanes(story: list[tuple[int, Json]], keks: dict[str, bytes], number: int) -> Lanes:
    lanes = Lanes(keks, number)
    for lane, line in story:
        lanes.add(lane, line)
    return lanes
