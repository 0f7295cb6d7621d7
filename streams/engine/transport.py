"""The Faust side of the engine: batches replace messages, lanes' positions replace acks, take-over replaces recovery.

This module overrides parts of faust-streaming 0.15.3 on aiokafka 0.14.0, or calls them by private name (`OVERRIDDEN`).
tests/streams/test_upstream.py keeps a hash of each, so that an upgrade shows which assumptions to read again. Faust
runs the aiokafka consumer in a thread of its own, so heartbeats go on during a long fold. All overrides but those of
`ConsumerThread` run in the main loop.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any, Final

import faust
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.futures import notify

from streams.engine.assignment import Assignment
from streams.engine.batch import Batch
from streams.engine.changelog import read, reader
from streams.engine.lane import Lane
from streams.engine.ports import BatchMessage
from streams.kafka import stop_consumer

log = logging.getLogger(__name__)
_Records = Mapping[TP, list[ConsumerRecord]]

FETCH_WAIT_MS: Final = 50
RETRY_S: Final = 1.0
# Pause after a poll: else 1,000 polls a second bring a record or two each, and each costs as much as 20 records.
PACE_S: Final = 0.004
IDLE_S: Final = 1.0  # a poll waits for the first record
RECORDS_WAITING: Final = 2000
OVERRIDDEN: Final = (
    driver.AIOKafkaConsumerThread.on_start,
    driver.AIOKafkaConsumerThread._create_worker_consumer,
    driver.AIOKafkaConsumerThread._commit,
    driver.AIOKafkaConsumerThread.seek_wait,
    driver.Consumer._new_consumer_thread,
    driver.Consumer.getmany,
    driver.AIOKafkaConsumerThread._fetch_records,
    driver.Consumer._get_active_partitions,
    driver.Consumer._to_message,
    driver.Consumer.on_partitions_revoked,
    driver.Consumer.wait_empty,
    driver.Consumer.perform_seek,
    driver.Consumer._add_gap,
    driver.Consumer._filter_tps_with_pending_acks,
    driver.Consumer._filter_committable_offsets,
    driver.Consumer.commit,
    Recovery.on_rebalance,
    Recovery._resume_streams,
    TableManager.on_stop,
    GroupCoordinator._push_error_to_user,
)


class BatchSchema(faust.Schema):
    """A batch has no codec: the fold parses, so that the fold answers a malformed record, and Faust does not."""

    def loads_key(self, app: faust.App, message: BatchMessage, **_: Any) -> None:
        return

    def loads_value(self, app: faust.App, message: BatchMessage, **_: Any) -> Batch:
        return message.value


class ConsumerThread(driver.AIOKafkaConsumerThread):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked: dict[TP, tuple[int, int | None]] = {}  # by partition set back: (offset wanted, position found)

    async def on_start(self) -> None:
        # `boot` has waited for the broker, but the broker may have gone again. Faust would leave with status 1.
        while True:
            try:
                await super().on_start()
                break
            except KafkaError as error:
                if not error.retriable or self.should_stop:
                    raise
                log.warning("the broker is away again: %s; retrying", type(error).__name__)
                await stop_consumer(self._ensure_consumer())
                await asyncio.sleep(RETRY_S)
        self._hear_refusals(self._ensure_consumer()._coordinator)

    def _hear_refusals(self, coordinator: GroupCoordinator) -> None:
        """Report to the engine each error that keeps the worker out of the group. aiokafka raises such an error only
        from the next poll, and waits; a worker without lanes never polls."""
        push = coordinator._push_error_to_user

        def heard(error: Exception) -> object:
            self.consumer.app.engine.kept_out(error)
            return push(error)

        coordinator._push_error_to_user = heard

    def _create_worker_consumer(self, transport: "Transport") -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust sets 1500 ms. aiokafka has one fetch for each broker in flight, for the partitions without buffered
        # records. If these are quiet (`registry`, `commands`), the fetch for the busy partitions waits that long.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        # A rebalance may have taken all these partitions meanwhile. To commit nothing is an error in aiokafka.
        return not self.assignment().isdisjoint(offsets) and bool(await super()._commit(offsets))

    async def committed(self, tp: TP) -> int | None:
        offset: int | None = await self.call_thread(self._ensure_consumer().committed, TopicPartition(*tp))
        return offset

    async def read_on(self, positions: Mapping[TP, int], timeout: float) -> tuple[_Records, dict[TP, int]]:
        """The records from these offsets on, and by partition the offset up to which there seems to be no record.

        timeout: how long to wait for a record, seconds.
        """
        both: tuple[_Records, dict[TP, int]] = await self.call_thread(
            self._read_on, self._ensure_consumer(), positions, timeout)
        return both

    async def _read_on(self, consumer: AIOKafkaConsumer, positions: Mapping[TP, int],
                       timeout: float) -> tuple[_Records, dict[TP, int]]:
        # A poll that a rebalance has overtaken may end after `perform_seek`, and no lane gets its records. The consumer
        # has then advanced, and only a later record would show the gap. So no poll trusts the poll before it.
        assigned = {tp: offset for tp, offset in positions.items() if consumer._subscription.is_assigned(tp)}
        ahead: dict[TP, int] = {}
        for tp, offset in assigned.items():
            state = consumer._subscription.subscription.assignment.state_value(tp)
            position = state.position if state.has_valid_position else None
            if position == offset:
                continue
            if position is not None and self.asked.get(tp) == (offset, position):
                # The consumer was set back, and advanced past the same offsets again: a marker lies there.
                ahead[tp] = position
            else:
                self.asked[tp] = (offset, position)
                consumer.seek(TopicPartition(*tp), offset)
        if not assigned:  # an empty set would make aiokafka return the records of every partition
            await asyncio.sleep(FETCH_WAIT_MS / 1000)
            return {}, {}
        return await self._fetch_records(consumer, set(assigned), timeout, consumer._max_poll_records), ahead


class Consumer(driver.Consumer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.engine: Assignment = self.app.engine
        self._polled_at = 0.0
        self._draining: set[int] = set()  # lanes that get no records until they are idle, to go past a marker

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, BatchMessage]]:
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        if (early_s := self._polled_at + PACE_S - time.monotonic()) > 0:
            await self.sleep(early_s)
        # Generation and lanes are read BEFORE the fetch. A fetch that began in the old generation may return in the new
        # generation. Its records may belong to partitions that were given away, or come from positions corrected since.
        generation, lanes = self.app.consumer_generation_id, dict(self.engine.lanes)
        # The limit for each lane lets the lanes work side by side (aiokafka empties one partition before it turns to
        # the next), and no lane waits for a slow lane.
        free = {number for number, lane in lanes.items()
                if (not lane.waiting and lane.idle.is_set() if number in self._draining
                    else lane.waiting < RECORDS_WAITING)}
        active = {tp: lanes[tp.partition].fetched[tp.topic] for tp in self._get_active_partitions()
                  if tp.partition in free and tp.topic in lanes[tp.partition].wanted}
        if not active or not self.engine.open:
            await self.sleep(0.005)  # (an empty set would make aiokafka return the records of every partition)
            return
        # Records for the other lanes, or for lanes about to open, must not wait for new records of these lanes.
        timeout = 0.01 if len(free) < len(lanes) or self.engine.opening_lanes else IDLE_S
        polled, ahead = await self._thread.read_on(active, timeout)
        self._polled_at = time.monotonic()
        self._draining -= {tp.partition for tp in active}
        for tp in ahead.keys() - polled.keys():
            await self._go_past(tp, lanes[tp.partition], ahead[tp])
        for raw_tp, records in polled.items():
            tp = TP(*raw_tp)
            lane = lanes[tp.partition]
            start = lane.fetched[tp.topic]
            explained = await self._explained(tp, records, start)
            if not self.engine.open or generation != self.app.consumer_generation_id:
                return  # a rebalance has begun, during the fetch or after it
            if explained:
                lane.fetched[tp.topic] = explained[-1].offset + 1
                message = self._to_message(tp, explained[-1])  # offset, time and generation: the last record's
                message.value = Batch(tp, start, lane.fetched[tp.topic], explained)
                lane.waiting += len(explained)
                yield tp, message

    async def _explained(self, tp: TP, records: list[ConsumerRecord], expected: int) -> list[ConsumerRecord]:
        """The records that follow directly on the fetched ones. Empty if other records lie between (a poll that a
        rebalance has overtaken moves the position); the next poll asks for these."""
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
        if records and records[0].offset > expected and not await self._nothing_lies_between(
                tp, expected, records[0].offset):
            log.warning("%s: expected offset %d, got %d: fetching again", tp, expected, records[0].offset)
            return []
        return records

    async def _go_past(self, tp: TP, lane: Lane, offset: int) -> None:
        """Move a lane past a marker at the end of the log. Otherwise the lane would seem to stand still with input."""
        start = lane.fetched[tp.topic]
        if lane.waiting or not lane.idle.is_set():
            self._draining.add(tp.partition)  # a lane that always gets records would never be idle
            return
        if offset < start:
            self.engine.die(f"{tp}: the next record is {start}, but the log ends at {offset}: it lost its end, or the "
                            "topic was created again")
        if not await self._nothing_lies_between(tp, start, offset):
            self._thread.asked.pop(tp, None)
        elif (self.engine.open and self.engine.lanes.get(tp.partition) is lane and lane.idle.is_set()
              and not lane.waiting and lane.fetched[tp.topic] == start):
            lane.go_past(tp.topic, offset)

    async def _nothing_lies_between(self, tp: TP, start: int, end: int) -> bool:
        """Whether the log has no record from `start` to before `end`; False if the broker is away.

        A separate reader looks, which no rebalance moves. If records from `start` on were deleted, the process ends.
        """
        try:
            async with reader(self.engine.settings) as one:
                found = [record.offset async for record in read(one, TopicPartition(*tp), start, end)]
                first = (await one.beginning_offsets([TopicPartition(*tp)]))[TopicPartition(*tp)]
        except (KafkaError, RuntimeError) as error:
            log.warning("%s: the records from %d to before %d cannot be read: %s", tp, start, end, error)
            await asyncio.sleep(RETRY_S)
            return False
        if first > start:
            self.engine.die(f"{tp}: records from {start} on were deleted before they were read")
        return not found

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        # Commit before Faust's own handler, which first forgets the acks and then commits nothing.
        await self.engine.quiesce()
        await self.commit()
        await super().on_partitions_revoked(revoked)

    async def wait_empty(self) -> None:
        await self.engine.quiesce()  # for a shutdown, which revokes nothing
        await super().wait_empty()

    async def perform_seek(self) -> None:
        """Seek to the lanes' positions. Faust's `seek_to_committed` skips 0 and None, and the commit may be behind."""
        self._thread.asked.clear()
        self._committed_offset.clear()
        for lane in self.engine.lanes.values():
            lane.fetched, lane.waiting = dict(lane.next), 0
        await self._thread.seek_wait(self.engine.positions())

    def forget(self, message: BatchMessage) -> None:
        """Discard a message whose batch is in the state, or dropped. Otherwise `wait_empty` would wait for it for ever.
        """
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: Faust takes the offsets between the last records of two batches for gaps, and would index each.
        """

    def _filter_tps_with_pending_acks(self, topics: Collection[TP | str] | None = None) -> Iterable[TP]:
        return list(self.engine.positions())

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        return {tp: offset for tp, offset in self.engine.commits().items() if offset != self._committed_offset[tp]}

    async def committed(self, tp: TP) -> int | None:
        offset: int | None = await self._thread.committed(tp)
        return offset


class Transport(driver.Transport):
    Consumer = Consumer
