"""What is written during a round, by seed: a fleet's day on all three topics at once, and what nobody would wish for.

Devices are asked, and answer: the day is lived beforehand, in a closed loop with the judgement. Registry records and
commands come between the reports, so that it matters in which order a lane reads its topics; some SMS come twice, some
in a wrong partition, some carry the frames of two people, some are no SMS at all; and some devices forget how far they
have counted.
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator
from random import Random
from typing import Any, Final, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from cli.prove import FoldedCore
from models.contract.documents import Output
from models.errors import Rejected
from models.wire.frame import find_frame, read_header
from simulator.fleet import GATEWAY, Fleet
from simulator.world import World
from streams.partition import partition_of
from streams.topics import COMMANDS, REGISTRY, SMS

ASK_MIN: Final = (0, 15, 25)
TICK_EVERY: Final = 5  # of the fleet's ticks, one a virtual minute, so many are left out but one
STEP_S: Final = 0.02
FORGETS: Final = 0.03  # the share of SMS after which a device counts from 1 again
JOINED: Final = 0.06  # the share of SMS that a carrier joins with the next one


class Line(NamedTuple):
    """partition None: every one."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None


class RecordingCore:
    """The judgement for the simulator's loop, which keeps what it judged. Now and then a device loses its counter."""

    def __init__(self, fleet: Fleet, dice: Random) -> None:
        self._core, self._dice = FoldedCore(fleet), dice
        self._units = {b"%d" % unit.home.subject: unit for unit in fleet.units}
        self.judged: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, topic: str, key: bytes | None, value: bytes) -> list[Output]:
        self.judged.append((topic, orjson.loads(value)))
        if topic == SMS and key is not None and self._dice.random() < FORGETS:
            self._units[key].forget_counters()
        return self._core(topic, key, value)


def load(fleet: Fleet, partitions: int, dice: Random) -> Iterator[Line]:
    """All lines of a round, in order; the registry first, one line a person."""
    core = RecordingCore(fleet, dice)
    World(fleet, core, ASK_MIN).live()
    profiles = {value["subject"]: value for topic, value in core.judged if topic == REGISTRY}
    ticks, held = 0, ""
    for topic, value in core.judged:
        if value.get("type") == "tick":
            ticks += 1
            if ticks % TICK_EVERY == 0:
                yield Line(SMS, b"", orjson.dumps(value), None)
            continue
        if topic == SMS and not held and dice.random() < JOINED:
            held = value["text"]
            continue
        if topic == SMS and held:
            value["text"], held = f"{held} {value['text']}", ""
        subject = value.get("subject") or _subject(value)
        line = Line(topic, b"%d" % subject, orjson.dumps(value), partition_of(subject, partitions))
        yield from (line,) if topic == REGISTRY else _spoiled(line, partitions, dice)
        if topic == SMS and subject in profiles and dice.random() < 0.3:
            yield from _between(profiles, subject, value["received_at"], partitions, dice)


def _subject(sms: dict[str, Any]) -> int:
    """As the gateway reads it; of what has no frame any more nobody's."""
    frame = find_frame(sms["text"], sms["binary"])
    return 0 if isinstance(frame, Rejected) else read_header(frame).subject


def _spoiled(line: Line, partitions: int, dice: Random) -> Iterator[Line]:
    """A line as it is; or twice, or in a wrong place, or after rubbish."""
    chance = dice.random()
    if chance < 0.03:
        yield line._replace(value=dice.randbytes(dice.randrange(1, 60)))
    yield line._replace(partition=dice.randrange(partitions)) if 0.03 <= chance < 0.06 else line
    if chance > 0.95:
        yield line


def _between(profiles: dict[int, dict[str, Any]], subject: int, at: str, partitions: int, dice: Random,
             ) -> Iterator[Line]:
    """A registry record or a command about somebody who has just reported, or a command on the gateway's outage."""
    place, chance = partition_of(subject, partitions), dice.random()
    if chance < 0.4:
        site = dice.choice(("jongno", "mapo", "guro"))
        yield Line(REGISTRY, b"%d" % subject, orjson.dumps({**profiles[subject], "site": site}), place)
        return
    command = {"id": b64encode(dice.randbytes(12)).decode(), "by": dice.choice(("kim", "lee")), "at": at}
    if chance > 0.85:
        yield Line(COMMANDS, GATEWAY.encode(), orjson.dumps({
            **command, "type": dice.choice(("acknowledge", "assign", "comment")), "gateway": GATEWAY,
            "assignee": "park", "alert": f"gateway_outage:{GATEWAY}:{at[:10]}T00:30:00Z",
            "text": "통신사에 전화함"}), None)
        return
    kind = dice.choice(("acknowledge", "assign", "comment", "resolve", "unacknowledge", "reopen", "excuse", "unexcuse"))
    what = {"from": at[:10], "to": at[:10]} if kind.endswith("excuse") else {
        "alert": f"{subject}:no_report:{at[:10]}:morning", "text": "전화함", "assignee": "park"}
    yield Line(COMMANDS, b"%d" % subject, orjson.dumps({**command, "type": kind, "subject": subject, **what}), place)


async def send(sender: AIOKafkaProducer, some: list[Line], partitions: int, seconds: float) -> int:
    """Write all lines, evenly over some seconds; how many records."""
    began, waiting = time.monotonic(), []
    for count, line in enumerate(some):
        while count > len(some) * (time.monotonic() - began) / seconds:
            await asyncio.sleep(STEP_S)
        places = range(partitions) if line.partition is None else (line.partition,)
        waiting += [await sender.send(line.topic, line.value, key=line.key or None, partition=place)
                    for place in places]
    await asyncio.gather(*waiting)
    return len(waiting)
