"""A lane of the version before, as its worker left it, and what came after it: tests/states/upgrade.jsonl.

    PYTHONPATH=.:tests python -m support.upgrade TREE > tests/states/upgrade.jsonl

TREE: a tree of the version before. Its worker judges two days of a few people until the upgrade. The network holds the
SMS of the first morning back, so an outage opens at the deadline and alerts are held. The upgrade is a quarter of an
hour later, before these SMS arrive. From then on people are asked, and their devices answer.
"""

import asyncio
import sys
import tempfile
from base64 import b64decode, b64encode
from collections import defaultdict
from contextlib import chdir
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import orjson
from aiokafka import TopicPartition

from cli.broker import Writable, write
from cli.prove import FoldedCore
from models.contract.documents import Output
from models.times import parse_time
from simulator.fleet import START, Fleet
from simulator.world import World
from streams.engine.changelog import read, reader
from streams.topics import ALERTS, QUARANTINE, REGISTRY, REPORTS, changelog, declare
from support.worker import WorkerProcess

LEFT: Final = Path(__file__).parents[1] / "states" / "upgrade.jsonl"
PEOPLE: Final = 16
UPGRADED_S, END_S = 9 * 3600 + 45 * 60, 36 * 3600  # from the first midnight
TICK_EVERY: Final = 15  # of the fleet's ticks, one a virtual minute
ASK_MIN: Final = (0, 15)


class Left(NamedTuple):
    """One lane.

    keks: the key-encryption keys, as in ANBU_KEK_FILE.
    before, after: the inputs before the upgrade, and after it.
    log: the changelog that the former worker wrote, keys and values.
    outputs: what it said, without progress records.
    """

    keks: dict[str, str]
    before: list[Writable]
    after: list[Writable]
    log: list[tuple[bytes, bytes]]
    outputs: list[Writable]


def left() -> Left:
    """What the file says. The octets of inputs and outputs are those of compact JSON."""
    lines = defaultdict[str, list[dict[str, Any]]](list)
    for line in map(orjson.loads, LEFT.read_bytes().splitlines()):
        lines[line["in"]].append(line)
    before, after, outputs = (list(map(_writable, lines[name])) for name in ("before", "after", "outputs"))
    log = [(b64decode(one["key"]), b64decode(one["value"])) for one in lines["log"]]
    return Left(lines["keks"][0]["value"], before, after, log, outputs)


def _writable(line: dict[str, Any]) -> Writable:
    key = None if line["key"] is None else line["key"].encode()
    return Writable(line["topic"], 0, key, orjson.dumps(line["value"]))


class _Days:
    """The days in a closed loop with the judgement, which keeps its inputs. People are asked from the upgrade on."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self._core, self._ticks = fleet, FoldedCore(fleet), 0
        self.before: list[Writable] = []
        self.after: list[Writable] = []

    def __call__(self, topic: str, key: bytes | None, value: bytes) -> list[Output]:
        if topic == REGISTRY:  # the loop's own profiles, before the first day
            return self._judge(self.before, topic, key, value)
        document = orjson.loads(value)
        at = parse_time(document.get("received_at") or document["at"], "at") - self._fleet.begin
        if document.get("type") == "tick":
            self._ticks += 1
            if self._ticks % TICK_EVERY != 1:
                return []
        if at > END_S:
            return []
        if at > UPGRADED_S and not self.after:
            for profile in self._fleet.registry(ASK_MIN):
                self._judge(self.after, REGISTRY, b"%d" % profile["subject"], orjson.dumps(profile))
        return self._judge(self.after if at > UPGRADED_S else self.before, topic, key, value)

    def _judge(self, kept: list[Writable], topic: str, key: bytes | None, value: bytes) -> list[Output]:
        kept.append(Writable(topic, 0, key, value))
        return self._core(topic, key, value)


async def _former(some: list[Writable], keks: dict[str, str], folder: Path) -> list[dict[str, Any]]:
    """What the worker of the present folder leaves, as lines. It reads each tick alone."""
    worker = WorkerProcess(folder, ANBU_PARTITIONS="1", ANBU_KEK=orjson.dumps(keks).decode(),
                           PYTHONPATH=str(Path.cwd()))
    with worker:
        await declare(worker.settings)
        worker.start()
        async with httpx.AsyncClient() as http:
            for _, batch in groupby(some, key=lambda one: one if b'"tick"' in (one.value or b"") else one.topic):
                await write(batch, worker.settings)
                await worker.wait_idle(http)
        if (status := worker.terminate()) != 0:
            raise RuntimeError(f"the worker left with status {status}: {worker.log.read_text()[-1500:]}")
        async with reader(worker.settings) as consumer:
            log = [one async for one in read(consumer, TopicPartition(changelog(worker.settings), 0))]
            said = [one for topic in (ALERTS, REPORTS, QUARANTINE)
                    async for one in read(consumer, TopicPartition(topic, 0)) if b'"progress"' not in one.value]
    return [*({"in": "log", "key": b64encode(one.key).decode(), "value": b64encode(one.value).decode()} for one in log),
            *(_line("outputs", one.topic, one.key, one.value) for one in said)]


def _line(place: str, topic: str, key: bytes | None, value: bytes | None) -> dict[str, Any]:
    return {"in": place, "topic": topic, "key": None if key is None else key.decode(),
            "value": orjson.loads(value or b"")}


def main() -> None:
    fleet = Fleet(PEOPLE, 2, START, 1, "outage")
    days, keks = _Days(fleet), fleet.keks()
    World(fleet, days).live()
    with tempfile.TemporaryDirectory(prefix="anbu-upgrade-") as name, chdir(sys.argv[1]):
        former = asyncio.run(_former(days.before, keks, Path(name)))
    lines = [{"in": "keks", "value": keks},
             *(_line("before", one.topic, one.key, one.value) for one in days.before), *former,
             *(_line("after", one.topic, one.key, one.value) for one in days.after)]
    sys.stdout.write("".join(orjson.dumps(line).decode() + "\n" for line in lines))


if __name__ == "__main__":
    main()
