"""`make rolling`: three workers under load are replaced one after the other; how much longer a lane made anybody wait.

Every lane gets a record each tenth of a second that is answered by one of `quarantine`; what is told is the longest
time from the one to the other in any lane, before and while the workers are replaced. Status 1 where that is more than
ten seconds longer, a worker did not leave properly, or anything was lost or judged otherwise than the core does.
"""

import asyncio
import math
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx
import orjson
from aiokafka import TopicPartition
from support.audit import audit
from support.worker import PATIENCE_S

from chaos.round import PARTITIONS, drain
from chaos.system import System, ground
from models.wire.keys import KeyRing, parse_keks
from runtime.settings import Settings
from streams.engine.changelog import read, reader
from streams.kafka import started_producer
from streams.topics import QUARANTINE, SMS, declare

STEADY_S: Final = 5.0
SETTLED_S: Final = 2.0
EVERY_S: Final = 0.1
WORKERS: Final = 3
SESSION_S: Final = 6.0
MOST_ADDED_S: Final = 10.0
KEKS: Final = b'{"k1":"' + b"A" * 43 + b'="}'
Waits = Mapping[int, Sequence[tuple[float, float]]]
"""By lane: (when a record was written, seconds until its answer was: for ever where there is none)."""


def figures(waits: Waits, steady: float, rolled: float) -> dict[str, float]:
    """From `steady` to `rolled` nothing happened, and from then on workers were replaced. For ever: nothing came."""
    every = [one for lane in waits.values() for one in lane]
    before = max((wait for at, wait in every if steady <= at < rolled), default=math.inf)
    rolling = max((wait for at, wait in every if at >= rolled), default=math.inf)
    added = math.inf if math.isinf(before + rolling) else rolling - before
    return {"records": sum(at >= steady for at, _ in every), "longest_before_s": before,
            "longest_while_rolling_s": rolling, "added_s": added}


def problems(found: Mapping[str, float], exits: Counter[int]) -> list[str]:
    """In words. exits: by status, of the workers that were told to leave."""
    wrong = [f"{count} of the workers that were told to leave left with status {status}"
             for status, count in exits.items() if status]
    if found["added_s"] > MOST_ADDED_S:
        wrong.append(f"a lane made somebody wait {found['added_s']:.1f} s longer, more than {MOST_ADDED_S:g}")
    return wrong


async def play(folder: Path) -> tuple[dict[str, float], list[str]]:
    """The figures, and what is wrong."""
    with ground(folder, 1) as one:
        system = System(one, folder / "workers", "rolling", PARTITIONS, KEKS.decode(), SESSION_S)
        system.wanted = WORKERS
        await declare(system.settings)
        loading = asyncio.create_task(_load(system.settings))
        try:
            system.tend()
            await _ready(system)
            steady = time.time() + SETTLED_S
            await asyncio.sleep(SETTLED_S + STEADY_S)
            rolled = time.time()
            for worker in list(system.watchers):
                worker.send(signal.SIGTERM)
                async with asyncio.timeout(PATIENCE_S):
                    while worker.runs:
                        await asyncio.sleep(0.02)
                system.tend()
                await _ready(system)
                await asyncio.sleep(SETTLED_S)
            exits = system.exits.copy()
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            wrong = await drain(system)
        finally:
            loading.cancel()
            wrong_end = system.stop()
        found = figures(await _waits(system.settings), steady, rolled)
        told = (await audit(system.settings, KeyRing(parse_keks(KEKS)))).problems
        return found, [*wrong, *wrong_end, *problems(found, exits), *told]


async def _ready(system: System) -> None:
    """As one waits before the next worker is replaced: until all are ready, and all lanes are shared out."""
    async with httpx.AsyncClient() as http, asyncio.timeout(PATIENCE_S):
        while True:
            said = [health for one in system.watchers if (health := await one.health(http)) and health["ready"]]
            if len(said) == WORKERS and sum(len(health["lanes"]) for health in said) == PARTITIONS:
                return
            await asyncio.sleep(0.05)


async def _load(settings: Settings) -> None:
    async with started_producer(settings) as sender:
        while True:
            await asyncio.gather(*(sender.send_and_wait(SMS, b"?", partition=lane) for lane in range(PARTITIONS)))
            await asyncio.sleep(EVERY_S)


async def _waits(settings: Settings) -> Waits:
    found = defaultdict(list)
    async with reader(settings) as consumer:
        for lane in range(PARTITIONS):
            answered: dict[int, float] = {}
            async for record in read(consumer, TopicPartition(QUARANTINE, lane)):
                answered.setdefault(orjson.loads(record.value)["origin"]["offset"], record.timestamp / 1000)
            async for record in read(consumer, TopicPartition(SMS, lane)):
                written = record.timestamp / 1000
                found[lane].append((written, answered.get(record.offset, math.inf) - written))
    return found


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that brokers and workers are ended
    with tempfile.TemporaryDirectory(prefix="anbu-rolling-") as name:
        found, wrong = asyncio.run(play(Path(name)))
    sys.stdout.write("".join(f"{what:<24} {value:8.2f}\n" for what, value in found.items()))
    sys.stderr.write("".join(f"{problem[:400]}\n" for problem in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
