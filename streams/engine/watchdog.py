"""A worker that does not get on ends: a supervisor starts it again, and a restart recovers.

Three things are watched: that the positions of a lane move while there is input, that the event loop turns at all
(Faust's heartbeats come from a thread of their own, so the group would never miss a worker that hangs), and that who is
told to leave does.
"""

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiokafka.errors import KafkaError
from faust.types import TP

if TYPE_CHECKING:
    from streams.engine.engine import Engine

STALLED_S: Final = 120.0
LOOKS: Final = 12  # within that time
LEFT_S: Final = 20.0  # most supervisors send SIGKILL after 30


class Stalls:
    """Since when each position has stood still although there was something to read."""

    def __init__(self) -> None:
        self._since: dict[TP, tuple[int, float]] = {}

    def look(self, now: float, positions: Mapping[TP, int], ends: Mapping[TP, int | None]) -> dict[TP, float]:
        """By partition that has input: for how many seconds its position has not moved."""
        behind = {tp: position for tp, position in positions.items() if (ends.get(tp) or 0) > position}
        self._since = {tp: self._since[tp] if self._since.get(tp, (None,))[0] == position else (position, now)
                       for tp, position in behind.items()}
        return {tp: now - since for tp, (_, since) in self._since.items()}


async def watch(engine: "Engine", limit_s: float) -> None:
    """Look again and again, for ever; ends the process where nothing has moved for so long."""
    stalls, turned = Stalls(), [time.monotonic()]
    threading.Thread(target=_watch_loop, args=(engine, turned, limit_s), daemon=True).start()
    while True:
        await asyncio.sleep(limit_s / LOOKS)
        turned[0] = time.monotonic()
        positions = engine.positions()
        try:
            ends = await asyncio.wait_for(engine.app.consumer.highwaters(*positions), limit_s / 2) if positions else {}
        except (KafkaError, TimeoutError):  # the broker is away: nobody can get on, and a restart would not help
            stalls = Stalls()
            continue
        for tp, seconds in stalls.look(time.monotonic(), positions, ends).items():
            if seconds > limit_s:
                engine.die(f"{tp.topic}, partition {tp.partition}: there is input, and position {positions[tp]} has "
                           f"not moved for {seconds:.0f} s")


def leave_within(engine: "Engine", limit_s: float) -> None:
    """Who was told to leave does, also where a client of the broker would wait for ever: what is durable is durable."""

    def end() -> None:
        time.sleep(limit_s)
        engine.die(f"told to leave, and not done with it after {limit_s:.0f} s")

    threading.Thread(target=end, daemon=True).start()


def _watch_loop(engine: "Engine", turned: list[float], limit_s: float) -> None:
    while True:
        time.sleep(limit_s / LOOKS)
        still = time.monotonic() - turned[0]
        if still > limit_s * 2:  # a look may wait for the broker half of it
            engine.die(f"the event loop has not turned for {still:.0f} s: something in it blocks")
