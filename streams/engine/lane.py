"""A lane: partition `number` of every input. It lives from a take-over to the loss of the partition.

`SinkLane` hands batches to a sink that keeps them elsewhere (`record`, `notify`); `state_lane` folds them over a
state. Any surprise ends the process: a restart recovers from what is durable, a guess does not.
"""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.engine.batch import Batch, Summary
from streams.engine.changelog import reader
from streams.engine.ports import BatchMessage, Held, Host, Sink

log = logging.getLogger(__name__)

GATHERED_RECORDS: Final = 2000


class Extent(NamedTuple):
    """The partition of an input.

    first, last: the log has the offsets from `first` to before `last`.
    committed: the offset that the group has committed; None: none.
    new: the first offset that has come since this process began, if `begin_at_end` is set; else the end of the log.
    """

    topic: str
    first: int
    last: int
    committed: int | None
    new: int


class Lane(ABC):
    """Applies the batches of one partition, in order. A subclass defines how a batch becomes durable."""

    patient = False  # whether a batch may take as long as another system needs

    def __init__(self, host: Host, number: int) -> None:
        self.host, self.number = host, number
        self.next: dict[str, int] = {}     # by topic: the first offset that is not applied
        self.fetched: dict[str, int] = {}  # by topic: the first offset that was not handed over
        self.waiting = 0                   # count of records that are handed over and not yet applied
        self.idle = asyncio.Event()        # set while there is no batch in hand
        self.idle.set()
        self.began = 0.0                   # when the batch in hand began, monotonic seconds
        self.recovered = 0.0               # the part of the durable state that has been read, 0 to 1
        self.steps = 0                     # goes up with any progress, for the watchdog
        self.valid = True                  # owned without a gap since take-over, and no batch was broken off
        self.loading_changelog = False     # a rebalance need not stop this
        self.durable: Summary = None       # `State.summary()` as of the last durable batch
        self._queue: deque[BatchMessage] = deque()
        self._handed = asyncio.Event()
        self._breakable = False            # the batch in hand has no effect yet
        self._task: asyncio.Task[None] | None = None

    async def take_over(self) -> None:
        """Recover the positions, and begin to apply batches from there."""
        await self.recover()
        self.fetched = dict(self.next)
        self._task = asyncio.create_task(self._run())

    async def recover(self) -> None:
        """Read what is durable."""
        async with reader(self.host.settings) as one:
            await self._recover(one)
        self.recovered = 1.0

    @abstractmethod
    async def _recover(self, reader: AIOKafkaConsumer) -> None: ...

    @abstractmethod
    async def apply(self, batch: Batch) -> None:
        """Make a batch durable, then move `next`. `break_off` may cancel this until it sets `_breakable` to False."""

    async def find_positions(self, reader: AIOKafkaConsumer) -> None:
        """Fill `next`. Raises RuntimeError if records that the lane has not read were deleted."""
        topics = self.host.inputs
        found = await asyncio.gather(*(self._position(reader, TopicPartition(topic, self.number)) for topic in topics))
        self.next = dict(zip(topics, found, strict=True))

    async def _position(self, reader: AIOKafkaConsumer, tp: TopicPartition) -> int:
        first, last = (await reader.beginning_offsets([tp]))[tp], (await reader.end_offsets([tp]))[tp]
        extent = Extent(tp.topic, first, last, await self.host.committed(TP(*tp)), await self._new(reader, tp, last))
        start = self.start(extent)
        if start < extent.first and self.host.settings.accept_loss:
            log.error("%s, partition %d: continuing without records %d to before %d, which were deleted unread",
                      tp.topic, self.number, start, extent.first)
            start = extent.first
        if not extent.first <= start <= extent.last:
            raise RuntimeError(f"{tp.topic}, partition {self.number}: the next record is {start}, but the log has "
                               f"{extent.first} to {extent.last}: records were deleted, or the topic was created "
                               "again. Restore the records, or continue without them by ANBU_ACCEPT_LOSS=true")
        return start

    async def _new(self, reader: AIOKafkaConsumer, tp: TopicPartition, last: int) -> int:
        """The first offset since this process began. Records that were published since then count too, so this is not
        the end of the log. Without `begin_at_end` it is the end of the log."""
        if not self.host.begin_at_end:
            return last
        found = (await reader.offsets_for_times({tp: self.host.began_ms}))[tp]
        # If there is no such record, the embedded broker answers with an offset that has no time.
        return last if found is None or found.timestamp < 0 else min(found.offset, last)

    @abstractmethod
    def start(self, extent: Extent) -> int:
        """The offset from which to resume an input."""

    @property
    def wanted(self) -> Sequence[str]:
        """The inputs from which the lane takes records now."""
        return self.host.inputs

    @property
    def committable(self) -> dict[str, int]:
        """By topic, the offset from which the lane goes on: all before it is durable, had no effect, or is in a sink's
        hand."""
        return self.next

    @property
    def to_commit(self) -> dict[str, int]:
        """By topic, the offset to commit: as `committable`, but never past a record that a sink still has in hand."""
        return self.committable

    def hand_over(self, message: BatchMessage) -> None:
        """Queue a batch, to be applied after the batches before it."""
        self._queue.append(message)
        self._handed.set()

    def go_past(self, topic: str, offset: int) -> None:
        """Move the lane's position to `offset`, where no record lies before it. Call it only for an idle lane: a batch
        in hand knows the old positions."""
        self.next = {**self.next, topic: offset}
        self.fetched[topic] = offset

    def drop_waiting(self) -> None:
        """Forget the batches that were handed over and not yet begun."""
        while self._queue:
            self.host.forget(self._queue.popleft())

    async def _next(self) -> tuple[Batch, list[BatchMessage]]:
        """The next batch, in order, and its messages. Adjacent batches of one topic become one: to make a batch durable
        takes two or three round trips, whatever its size, and meanwhile small batches gather. So a fold has at most
        GATHERED_RECORDS records, or what one poll brought."""
        while not self._queue:
            await self.settle()
            self.idle.set()
            self._handed.clear()
            if not self._queue:
                await self._handed.wait()
        messages = [self._queue.popleft()]
        first = messages[0].value
        records, end = list(first.records), first.end
        while (self._queue and len(records) + len(self._queue[0].value.records) <= GATHERED_RECORDS
               and self._queue[0].value.tp == first.tp
               and self._queue[0].value.start == end and self._queue[0].generation_id == messages[0].generation_id):
            messages.append(self._queue.popleft())
            records += messages[-1].value.records
            end = messages[-1].value.end
        return Batch(first.tp, first.start, end, records), messages

    def break_off(self) -> None:
        """Cancel the batch in hand if no output of it is out yet. The lane is not valid after that."""
        if self._breakable and self._task is not None:
            self.valid = False
            self._task.cancel()

    async def _run(self) -> None:
        """Apply the batches that the agent hands over. An exception is caught only to end the process: a failed batch
        is never acked."""
        try:
            while True:
                batch, messages = await self._next()
                self.idle.clear()
                try:
                    if self.host.current(messages[0]):
                        self.began = time.monotonic()
                        self._breakable = True
                        await self.renew()
                        await self.apply(batch)
                        self.steps += 1
                finally:
                    self.waiting -= len(batch.records)
                    for message in messages:
                        self.host.forget(message)
        except asyncio.CancelledError as error:
            if self._task is not None and not self._task.cancelling():  # the lane was not cancelled: it would stop
                self.host.die(f"lane {self.number}: a call that it waited for was cancelled", error)
            raise
        except Exception as error:  # noqa: BLE001 - any error ends the process
            self.host.die(f"lane {self.number}", error)
        finally:
            self.idle.set()

    async def settle(self) -> None:  # noqa: B027 - a sink lane owes nothing
        """Write the records that a batch left to go with the next one. Called when no batch waits."""

    async def renew(self) -> None:  # noqa: B027 - a sink lane has nothing to renew
        """Do the work that is due now and then. Called between two batches."""

    def check(self, batch: Batch) -> None:
        if batch.start != self.next[batch.tp.topic]:
            raise RuntimeError(f"{batch.tp}: the next record is {self.next[batch.tp.topic]}, but the batch begins at "
                               f"{batch.start}")

    async def drop(self) -> None:
        if self._task is not None:
            self._task.cancel()


class SinkLane(Lane):
    """Hands each batch to a sink, at least once. The group's commit remembers the position."""

    patient = True

    def __init__(self, host: Host, number: int, sink: Sink, held: Held = lambda _number: {}) -> None:
        super().__init__(host, number)
        self._sink, self._held = sink, held

    @property
    def to_commit(self) -> dict[str, int]:
        held = self._held(self.number)
        return {topic: min(offset, held.get(topic, offset)) for topic, offset in self.next.items()}

    async def _recover(self, reader: AIOKafkaConsumer) -> None:
        await self.find_positions(reader)

    def start(self, extent: Extent) -> int:
        if extent.committed is not None:
            return extent.committed
        return extent.new if self.host.begin_at_end else extent.first

    async def apply(self, batch: Batch) -> None:
        self.check(batch)
        await self._sink(batch.records)
        self._breakable = False
        self.next = {**self.next, batch.tp.topic: batch.end}
        self.host.applied(self, batch, ())
