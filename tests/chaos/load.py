"""What is written during a round, by seed: a fleet's day on all three topics at once, and what nobody would wish for.

Registry records and commands come between the reports, so that it matters in which order a lane reads its topics; some
SMS come twice, some in a wrong partition, some are no SMS at all.
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator
from random import Random
from typing import Any, Final, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from cli.simulate import lines
from models.errors import Rejected
from models.wire.frame import find_frame, read_header
from simulator.fleet import Fleet
from streams.partition import partition_of
from streams.topics import COMMANDS, REGISTRY, SMS

TICK_EVERY: Final = 15  # of the fleet's ticks, one a virtual minute, so many are left out but one
STEP_S: Final = 0.02


class Line(NamedTuple):
    """partition None: every one."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None


def load(fleet: Fleet, partitions: int, dice: Random) -> Iterator[Line]:
    """All lines of a round, in order."""
    profiles = {profile["subject"]: profile for profile in fleet.registry()}
    ticks = 0
    for line in lines(fleet):
        topic, value = line["topic"], line["value"]
        if value.get("type") == "tick":
            ticks += 1
            if ticks % TICK_EVERY == 0:
                yield Line(SMS, b"", orjson.dumps(value), None)
            continue
        subject = value.get("subject") or _subject(value)
        yield from _spoiled(Line(topic, b"%d" % subject, orjson.dumps(value), partition_of(subject, partitions)),
                            partitions, dice)
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
    """A registry record or a command about somebody who has just reported."""
    place = partition_of(subject, partitions)
    if dice.random() < 0.5:
        site = dice.choice(("jongno", "mapo", "guro"))
        yield Line(REGISTRY, b"%d" % subject, orjson.dumps({**profiles[subject], "site": site}), place)
        return
    kind = dice.choice(("acknowledge", "comment", "resolve", "excuse"))
    what = {"from": at[:10], "to": at[:10]} if kind == "excuse" else {
        "alert": f"{subject}:no_report:{at[:10]}:morning", "text": "전화함"}
    yield Line(COMMANDS, b"%d" % subject, orjson.dumps({
        "id": b64encode(dice.randbytes(12)).decode(), "type": kind, "subject": subject, "by": "kim", "at": at, **what,
    }), place)


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
