"""The worker as it is shipped folds COUNT records of a topic, and then reports how long that took.

    python -m bench.children.watch TOPIC COUNT

The program prints `open` once the worker has its lanes; with COUNT 0 it then ends. Time runs from the first batch of
the topic to the moment when the last batch is durable.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.children.answer import answer, line
from worker.app import app


class Measured:
    """Wraps `fold`, `applied` and `take_over` of an engine, to count and to time."""

    def __init__(self, engine: Any, topic: str, count: int) -> None:
        self._engine, self._topic, self._count = engine, topic, count
        self._done, self._batches, self._began = 0, 0, 0.0
        self._cpu = 0.0
        self._opened: float | None = None
        self._outputs: Counter[str] = Counter()
        self._fold, self._applied, self._take_over = engine.folding.fold, engine.applied, engine.take_over
        engine.folding = engine.folding._replace(fold=self.fold)
        engine.applied, engine.take_over = self.applied, self.take_over

    async def take_over(self) -> bool:
        began = time.monotonic()
        done: bool = await self._take_over()
        if self._engine.opening_lanes and self._opened is None:
            self._opening = asyncio.create_task(self._wait_open(began))
        return done

    async def _wait_open(self, began: float) -> None:
        while not self._engine.ready:
            await asyncio.sleep(0.002)
        self._opened = time.monotonic() - began
        line("open")
        if not self._count:
            self._end()

    def fold(self, state: Any, records: Sequence[Any]) -> Any:
        if not self._began and records[0].topic == self._topic:
            self._began, self._cpu = time.monotonic(), time.process_time()
        return self._fold(state, records)

    def applied(self, lane: Any, batch: Any, outputs: Sequence[Any]) -> None:
        self._applied(lane, batch, outputs)
        self._batches += 1
        for output in outputs:
            self._outputs[output.topic] += 1
        if batch.tp.topic == self._topic:
            self._done += batch.end - batch.start
            if self._done >= self._count:
                self._end()

    def _end(self) -> None:
        people = sum(sum(lane.state.summary().people.values()) for lane in self._engine.lanes.values())
        answer(seconds=time.monotonic() - self._began if self._began else 0.0,
               cpu_s=time.process_time() - self._cpu, opened_s=self._opened, people=people,
               batches=self._batches, outputs=dict(self._outputs))
        os._exit(0)


if __name__ == "__main__":
    topic, count = sys.argv[1], int(sys.argv[2])
    Measured(app.engine, topic, count)
    # As `anbu worker` starts it. Above `info` Faust shows a spinner, for which the whole process logs at DEBUG.
    sys.argv = ["bench", "worker", "--loglevel", "info"]
    app.main()
