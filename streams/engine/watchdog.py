"""A worker that makes no progress ends: a supervisor starts it again, and a restart recovers.

The watchdog checks four things:

* A lane makes progress while there is input for it, or while it is being taken over.
* No partition stays without a lane.
* The event loop turns. Faust's heartbeats come from a thread of their own, so the group would never miss a worker that
  hangs.
* A graceful shutdown ends.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, NoReturn

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP
from mode import Service

from runtime.settings import Settings
from streams.engine.assignment import Assignment
from streams.engine.changelog import reader

LOOKS: Final = 12  # checks within `Limits.stalled_s`
Die = Callable[[str], NoReturn]


class Stalls:
    """Notes since when each thing that should move has stood still."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[Hashable, float]] = {}

    def look(self, now: float, moving: Mapping[str, Hashable]) -> dict[str, float]:
        """Returns by name how long each thing has stood still, seconds.

        moving: by name, the present place of each thing that should move.
        """
        self._since = {name: self._since[name] if self._since.get(name, (None,))[0] == at else (at, now)
                       for name, at in moving.items()}
        return {name: now - since for name, (_, since) in self._since.items()}


class Watchdog(Service):
    """Checks from before the first take-over on, LOOKS times in `stalled_s`. It ends the process if something that
    should move has stood still for longer than `stalled_s`."""

    def __init__(self, engine: Assignment, **options: Any) -> None:
        super().__init__(**options)
        self._engine, self._limit_s = engine, engine.limits.stalled_s

    @Service.task
    async def _watch(self) -> None:
        engine, limit_s = self._engine, self._limit_s
        stalls, turned = Stalls(), [time.monotonic()]
        threading.Thread(target=_watch_loop, args=(engine.die, turned, limit_s), daemon=True).start()
        while not self.should_stop:
            await self.sleep(limit_s / LOOKS)
            turned[0] = time.monotonic()
            try:
                moving = await asyncio.wait_for(to_move(engine, engine.settings, limit_s / LOOKS), limit_s / 2)
            except (KafkaError, TimeoutError):  # the broker is away: no worker can go on, and a restart would not help
                stalls = Stalls()
                continue
            for name, seconds in stalls.look(time.monotonic(), moving).items():
                if seconds > limit_s:
                    engine.die(f"{name} for {seconds:.0f} s")


async def to_move(engine: Assignment, settings: Settings, long_s: float) -> dict[str, Hashable]:
    """By description, the present place of each thing that should move.

    long_s: a batch that is in hand for longer, in seconds, counts as moving if its slices go on.
    A separate consumer asks for the ends of the logs: the worker's own consumer would not report that it hangs.
    """
    positions = engine.positions()
    async with reader(settings) as one:
        ends = await one.end_offsets([TopicPartition(*tp) for tp in positions])
    now, moving = time.monotonic(), dict[str, Hashable]()
    for (topic, number), position in positions.items():
        lane = engine.lanes.get(number)
        if lane is None or ends[TP(topic, number)] <= position:
            continue
        if lane.patient and not lane.idle.is_set():
            continue
        busy = topic not in lane.wanted or (not lane.idle.is_set() and now - lane.began > long_s)
        name = f"{topic}, partition {number}: there is input, and position {position} has not moved"
        moving[name] = lane.steps if busy else ()
    if not engine.open and engine.quiesced:
        moving["the lanes have been shut by a rebalance"] = engine.quiesced
    if engine.open:
        moving |= {f"lane {number}: its take-over makes no progress": lane.steps
                   for number, lane in engine.opening_lanes.items()}
    if engine.torn:
        moving[f"partitions {sorted(engine.torn)} have not been assigned for all of {engine.inputs}, or are new,"] = ()
    return moving


def leave_within(limit_s: float, die: Die) -> None:
    """End the process if a graceful shutdown takes longer than `limit_s`; all that a restart needs is durable then."""

    def end() -> None:
        time.sleep(limit_s)
        die(f"graceful shutdown did not finish within {limit_s:.0f} s")

    threading.Thread(target=end, daemon=True).start()


def _watch_loop(die: Die, turned: list[float], limit_s: float) -> None:
    while True:
        time.sleep(limit_s / LOOKS)
        still = time.monotonic() - turned[0]
        if still > limit_s * 2:  # a check may wait for the broker, half of `limit_s`
            die(f"the event loop has not turned for {still:.0f} s: a call in it blocks")
