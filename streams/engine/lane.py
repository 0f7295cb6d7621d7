"""A lane: partition `number` of every input. It lives from a take-over to the loss of the partition.

`StateLane` folds batches over a state (`watch`); `SinkLane` hands them to somebody who keeps them elsewhere (`record`).
Any surprise ends the process: a restart recovers from what is durable, a guess does not.
"""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.engine.batch import Batch, Output
from streams.engine.changelog import DONE, PLAN, Plan, load, read, reader
from streams.engine.writer import Writer

if TYPE_CHECKING:
    from streams.engine.engine import Engine

log = logging.getLogger(__name__)

GATHERED_RECORDS: Final = 2000
FOLDED_S: Final = 0.02  # at a time; then the event loop turns once
RENEW_S: Final = 86_400.0  # a broker forgets a name that nobody asked for in a week, and then fences nobody
CODE: Final = "1"  # of the fold: goes up when the same records would be answered otherwise


class Lane(ABC):
    """next: by topic the first offset that is not done with; fetched: the first that was not handed to the agent;
    waiting: records fetched and not yet done with; recovered: how much was read of what is durable."""

    def __init__(self, engine: "Engine", number: int) -> None:
        self.engine, self.number = engine, number
        self.next: dict[str, int] = {}
        self.fetched: dict[str, int] = {}
        self._queue: deque[Any] = deque()
        self._handed = asyncio.Event()
        self.waiting = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.recovered = 0.0
        self._task: asyncio.Task[None] | None = None

    async def take_over(self) -> None:
        """Find out where to go on, and do."""
        await self.recover()
        self._task = asyncio.create_task(self._run())

    async def recover(self) -> None:
        """Read what is durable."""
        async with reader(self.engine.settings) as one:
            await self._recover(one)
        self.recovered = 1.0

    @abstractmethod
    async def _recover(self, reader: AIOKafkaConsumer) -> None: ...

    @abstractmethod
    async def apply(self, batch: Batch) -> None:
        """Make a batch durable, then move `next`."""

    async def find_positions(self, reader: AIOKafkaConsumer, done: Mapping[str, int]) -> None:
        """Fill `next`. done: by topic, what the changelog says."""
        topics = self.engine.inputs
        found = await asyncio.gather(*(self._position(reader, topic, done.get(topic)) for topic in topics))
        self.next.update(zip(topics, found, strict=True))

    async def _position(self, reader: AIOKafkaConsumer, topic: str, done: int | None) -> int:
        """Where to go on in a topic. The changelog leads: a crash after `done` leaves the group's commit behind; ahead
        that is only by batches without effect."""
        tp = TopicPartition(topic, self.number)
        first, last = (await reader.beginning_offsets([tp]))[tp], (await reader.end_offsets([tp]))[tp]
        committed = await self.engine.committed(TP(*tp))
        if done is None and committed is None and self.engine.begin_at_end:
            return int(last)
        start = max(first if done is None else done, committed or 0)
        if not first <= start <= last:
            raise RuntimeError(f"{topic}, partition {self.number}: the next record is {start}, but the log has {first} "
                               f"to {last}; records were deleted, or the topic was made anew")
        return start

    def hand_over(self, message: Any) -> None:
        """One batch more, to be applied after those before it."""
        self._queue.append(message)
        self._handed.set()

    def go_past(self, topic: str, offset: int) -> None:
        """Nothing lies before it. Only of an idle lane: a batch in hand knows the positions from before."""
        self.next = {**self.next, topic: offset}
        self.fetched[topic] = offset

    def drop_waiting(self) -> None:
        """Forget what was handed over and not yet begun."""
        while self._queue:
            self.engine.forget(self._queue.popleft())

    async def _next(self) -> tuple[Batch, list[Any]]:
        """What waits, in order. Batches that follow each other in one topic become one: to make a batch durable takes
        three answers of the broker, whatever its size, and while they come the next small ones gather."""
        while not self._queue:
            self._handed.clear()
            await self._handed.wait()
        messages = [self._queue.popleft()]
        first = messages[0].value
        records, end = list(first.records), first.end
        while (self._queue and len(records) < GATHERED_RECORDS and self._queue[0].value.tp == first.tp
               and self._queue[0].value.start == end and self._queue[0].generation_id == messages[0].generation_id):
            messages.append(self._queue.popleft())
            records += messages[-1].value.records
            end = messages[-1].value.end
        return Batch(first.tp, first.start, end, records), messages

    async def _run(self) -> None:
        """Apply what the agent hands over. An exception is caught only to leave: a failed batch is never acked."""
        try:
            while True:
                batch, messages = await self._next()
                if self.engine.current(messages[0]):
                    self.idle.clear()
                    await self.renew()
                    await self.apply(batch)
                    self.idle.set()
                self.waiting -= len(batch.records)
                for message in messages:
                    self.engine.forget(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the process leaves with it
            self.engine.die(f"lane {self.number}", error)

    async def renew(self) -> None:  # noqa: B027 - most have nothing to do
        """Between two batches: whatever has to be done now and then."""

    def check(self, batch: Batch) -> None:
        if batch.start != self.next[batch.tp.topic]:
            raise RuntimeError(f"{batch.tp}: the next record is {self.next[batch.tp.topic]}, the batch begins at "
                               f"{batch.start}")

    async def drop(self) -> None:
        if self._task is not None:
            self._task.cancel()


class StateLane(Lane):
    """Durable in this order: plan, outputs, states + done; then the group's commit, which only shows the lag."""

    def __init__(self, engine: "Engine", number: int) -> None:
        super().__init__(engine, number)
        self.state = engine.new_state(number)
        self.writer = Writer(engine.settings, number)
        self._renew_at = time.monotonic() + RENEW_S

    async def renew(self) -> None:
        """Be a new writer once a day, as after a take-over: with the state as the changelog has it.

        Going on with the state in hand would not do. A worker that was frozen here, and whose lane another has had
        meanwhile, would shut that one out and write an old state; so it finds the other's positions, and leaves.
        """
        if time.monotonic() < self._renew_at:
            return
        log.info("lane %d: renewing its writer", self.number)
        self._renew_at = time.monotonic() + RENEW_S
        await self.writer.stop()
        self.writer = Writer(self.engine.settings, self.number)
        self.state = self.engine.new_state(self.number)
        await self.recover()

    async def _recover(self, reader: AIOKafkaConsumer) -> None:
        """Fence, then read the changelog to its end, then ask for the commit: else the old owner may still write."""
        engine = self.engine
        await self.writer.start(engine.changelog)
        loaded = await load(reader, TopicPartition(engine.changelog, self.number), self.state, self._progress)
        await self.find_positions(reader, loaded.done)
        plan = loaded.plan
        if plan is not None and self.next[plan.topic] == plan.start:
            log.warning("lane %d: folding the unfinished %s again", self.number, plan)
            if plan.code != CODE:
                log.error("lane %d: the unfinished batch was folded by code %s, this is %s; its outputs may differ",
                          self.number, plan.code, CODE)
            tp = TopicPartition(plan.topic, self.number)
            records = [record async for record in read(reader, tp, plan.start, plan.end)]
            await self.apply(Batch(TP(*tp), plan.start, plan.end, records))
        log.info("lane %d: %d changelog records read, positions %s", self.number, loaded.records, self.next)

    def _progress(self, part: float) -> None:
        self.recovered = part

    async def apply(self, batch: Batch) -> None:
        self.check(batch)
        engine, topic = self.engine, batch.tp.topic
        outputs = await self.fold(batch)
        touched = self.state.take_touched()
        positions = {**self.next, topic: batch.end}
        if outputs or touched:
            if outputs:
                plan = Plan(topic, batch.start, batch.end, CODE)
                await self.writer.write(engine.changelog, [(PLAN, plan.packed())])
                await self.writer.write_outputs(outputs)
            await self.writer.write(engine.changelog, [*touched, (DONE, engine.dumps(positions))])
        self.next = positions
        engine.applied(self, batch, outputs)

    async def fold(self, batch: Batch) -> list[Output]:
        """With a breath now and then: while one lane folds for seconds, the others go on, and producers have time."""
        outputs: list[Output] = []
        breath = time.monotonic() + FOLDED_S
        for some in self.engine.fold(self.state, batch.records):
            outputs += some
            if time.monotonic() > breath:
                await asyncio.sleep(0)
                breath = time.monotonic() + FOLDED_S
        return outputs

    async def drop(self) -> None:
        await super().drop()
        await self.writer.stop()


class SinkLane(Lane):
    """At least once: a batch is handed on and awaited; the group's commit remembers how far."""

    async def _recover(self, reader: AIOKafkaConsumer) -> None:
        await self.find_positions(reader, {})

    async def apply(self, batch: Batch) -> None:
        self.check(batch)
        await self.engine.sink(batch.records)
        self.next = {**self.next, batch.tp.topic: batch.end}
        self.engine.applied(self, batch, ())
