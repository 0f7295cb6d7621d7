"""`make rolling`: three workers under load are replaced one after the other; how much longer a lane made anybody wait.

Every lane gets a record each tenth of a second that is answered by one of `quarantine`; what is told is the longest
time from the one to the other in any lane, before and while the workers are replaced. No time is asserted.
"""

import asyncio
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import orjson
from aiokafka import TopicPartition

from chaos.round import PARTITIONS
from chaos.system import System, ground
from streams.engine.changelog import read, reader
from streams.kafka import producer
from streams.settings import Settings
from streams.topics import QUARANTINE, SMS, declare

BEFORE_S: Final = 5.0
EVERY_S: Final = 0.1
WORKERS: Final = 3
SESSION_S: Final = 6.0


async def play(folder: Path) -> dict[str, float]:
    with ground(folder, 1) as one:
        system = System(one, folder / "workers", "rolling", PARTITIONS, '{"k1":"' + "A" * 43 + '="}', SESSION_S)
        system.wanted = WORKERS
        await declare(system.settings)
        loading = asyncio.create_task(_load(system.settings))
        try:
            system.tend()
            await asyncio.sleep(2 * BEFORE_S)
            steady = time.time()
            await asyncio.sleep(BEFORE_S)
            rolled = time.time()
            for worker in list(system.watchers):
                worker.send(signal.SIGTERM)
                while worker.runs:
                    await asyncio.sleep(0.02)
                system.tend()
                await asyncio.sleep(BEFORE_S)  # as one waits for /health/ to be ready
        finally:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            while await system.behind():
                await asyncio.sleep(0.2)
            system.stop()
        waits = await _waits(system.settings)
        before = [wait for lane in waits.values() for at, wait in lane if steady <= at < rolled]
        while_rolling = [wait for lane in waits.values() for at, wait in lane if at >= rolled]
        return {"records": len(before) + len(while_rolling), "longest_before_s": max(before),
                "longest_while_rolling_s": max(while_rolling), "added_s": max(while_rolling) - max(before)}


async def _load(settings: Settings) -> None:
    sender = producer(settings)
    await sender.start()
    try:
        while True:
            await asyncio.gather(*(sender.send_and_wait(SMS, b"?", partition=lane) for lane in range(PARTITIONS)))
            await asyncio.sleep(EVERY_S)
    finally:
        await sender.stop()


async def _waits(settings: Settings) -> dict[int, list[tuple[float, float]]]:
    """By lane: (when a record was written, seconds until its answer was)."""
    found = defaultdict(list)
    async with reader(settings) as consumer:
        for lane in range(PARTITIONS):
            answered: dict[int, float] = {}
            async for record in read(consumer, TopicPartition(QUARANTINE, lane)):
                answered.setdefault(orjson.loads(record.value)["origin"]["offset"], record.timestamp / 1000)
            async for record in read(consumer, TopicPartition(SMS, lane)):
                found[lane].append((record.timestamp / 1000, answered[record.offset] - record.timestamp / 1000))
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="anbu-rolling-") as name:
        sys.stdout.write("".join(f"{what:<24} {value:.2f}\n" for what, value in
                                 asyncio.run(play(Path(name))).items()))
