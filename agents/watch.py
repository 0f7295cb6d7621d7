"""`watch` decides in one hop (find the frame, decrypt, judge) and contains no rule: all rules are in `models`.

`watch` adds the time. It writes clock ticks into its own lanes, and progress records, which say up to when people have
been judged.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import Final

import orjson
from aiokafka import AIOKafkaProducer

from models.contract.documents import Output
from models.contract.inputs import InputRecord
from models.judgement.fold import CODE, Fold
from models.judgement.lane import LaneProgress, LaneState
from models.times import format_time
from runtime.clock import Clock
from runtime.keks import key_ring
from runtime.metrics import DUPLICATES
from runtime.settings import Settings
from streams.engine.assignment import Assignment
from streams.engine.batch import Folding
from streams.kafka import started_producer
from streams.partition import partition_of
from streams.topics import REPORTS, SMS

log = logging.getLogger(__name__)

PROGRESS_S: Final = 10.0
FIRST_CLOCK_TICK_S: Final = 60.0  # after a lane has opened; a live gateway has ticked by then


class WatchAgent:
    """State, fold and tasks of the agent. The engine owns the lanes."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._fold = Fold(key_ring(settings), lambda subject: partition_of(subject, settings.partitions))
        self.folding = Folding(self._new_state, self._fold_records, CODE)
        self._opened: dict[int, float] = {}
        self._ticked: dict[int, float] = {}

    def _fold_records(self, lane: LaneState, records: Iterable[InputRecord]) -> Iterator[list[Output]]:
        """Fold records, and count the frames among them that came again."""
        before = self._fold.duplicates
        yield from self._fold.fold(lane, records)
        DUPLICATES.inc(self._fold.duplicates - before)

    def _new_state(self, number: int) -> LaneState:
        self._opened[number] = self._clock.now()
        return LaneState(number)

    async def report_progress(self, engine: Assignment) -> None:
        """Publish every 10 s of real time up to when each lane has judged."""
        async with started_producer(self._settings) as sender:
            while True:
                await asyncio.sleep(PROGRESS_S)
                await asyncio.gather(*(self._send_progress(sender, number, lane.durable)
                                       for number, lane in list(engine.lanes.items())))

    async def _send_progress(self, sender: AIOKafkaProducer, number: int, judged: LaneProgress) -> None:
        await sender.send_and_wait(REPORTS, orjson.dumps({
            "type": "progress", "lane": number,
            "gateways": {name: format_time(at) for name, at in judged.until.items()},
            "clock": None if judged.clock is None else format_time(judged.clock),
            "at": format_time(int(self._clock.now()))}), partition=number)

    async def tick(self, engine: Assignment) -> None:
        """Write clock ticks into the lanes of this worker."""
        every = self._settings.clock_tick_s
        if not every:
            return
        async with started_producer(self._settings) as sender:
            while True:
                now = self._clock.now()
                due = [number for number in list(engine.lanes)
                       if now >= max(self._opened.get(number, now) + FIRST_CLOCK_TICK_S,
                                     self._ticked.get(number, 0.0) + every)]
                for number in due:
                    self._ticked[number] = now
                tick = orjson.dumps({"type": "tick", "source": "clock", "at": format_time(int(now))})
                await asyncio.gather(*(sender.send_and_wait(SMS, tick, partition=number) for number in due))
                await asyncio.sleep(0.02 if self._clock.virtual else min(every, 1.0))
