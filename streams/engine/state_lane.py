"""A lane that folds its batches over a state, and keeps the state in the changelog: `watch`.

A batch becomes durable in four steps:

1. plan: the changelog names the batch.
2. outputs: the outputs go to their topics.
3. states and done: the changelog gets the states that the batch changed, and the positions after it.
4. group commit: Kafka gets the positions. The commit only shows the lag; a successor trusts the changelog.

If another batch waits, step 3 and step 1 of the next batch are one request: two round trips to the broker, not three.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.engine.batch import Batch, Folding, OutputRecord, Summary
from streams.engine.changelog import DONE, PLAN, BatchPlan, LoadedChangelog, load, read
from streams.engine.lane import Extent, Lane
from streams.engine.ports import Host
from streams.engine.writer import Writer

log = logging.getLogger(__name__)

Record = tuple[bytes, bytes | None]
"""(key, value) of the changelog."""


class _Owed(NamedTuple):
    """A batch whose outputs are durable, and whose states are not yet durable.

    states: the changelog records that the batch touched.
    before: the positions before the batch.
    positions: the positions after the batch.
    summary: `State.summary()` after the batch.
    """

    batch: Batch
    outputs: Sequence[OutputRecord]
    states: Sequence[Record]
    before: dict[str, int]
    positions: dict[str, int]
    summary: Summary


class StateLane(Lane):
    """A lane with a state; the module describes its steps.

    state: the state after the records up to `next`, and after the records that are being folded.
    """

    def __init__(self, host: Host, number: int, folding: Folding) -> None:
        super().__init__(host, number)
        self._folding = folding
        self.state: Any = None
        self.writer = Writer(host.settings, number)
        self._done: dict[str, int] = {}
        self._owed: _Owed | None = None
        self._read_first_to = 0
        self._begun = False  # whether the lane has read any of the inputs other than `read_first` before
        self._renew_at = self._renewal()

    def _renewal(self) -> float:
        """When to renew the writer: `renew_s` from now, or up to a quarter earlier by lane number, so that lanes which
        opened together do not renew together."""
        return time.monotonic() + self.host.limits.renew_s * (1 - self.number / self.host.settings.partitions / 4)

    async def renew(self) -> None:
        """Renew the writer every `renew_s`, and read the state from the changelog, as a take-over does.

        To keep the state in hand would be wrong. A worker may be frozen here while another worker has the lane. It
        would then shut out the other worker and write an old state. So it reads the changelog, finds the other worker's
        positions, and leaves.
        """
        if time.monotonic() < self._renew_at:
            return
        await self.settle()
        log.info("lane %d: renewing its writer", self.number)
        self._renew_at = self._renewal()
        await self.writer.stop()
        self.writer = Writer(self.host.settings, self.number)
        done, at = self._done, self.next
        await self.recover()
        if self._done != done:
            raise RuntimeError(f"another worker has had the lane: the positions were {done}, and are {self._done}")
        self.next = at  # may be ahead of `done`, by batches without effect

    async def _recover(self, reader: AIOKafkaConsumer) -> None:
        """Fence, then read the changelog to its end, then ask for positions. In another order the old owner could still
        write.

        The reading goes on through a rebalance that leaves the lane with this worker: reading may take long, and
        rebalances may come often.
        """
        await self.writer.start(self.host.changelog)
        self.loading_changelog = True
        state = self._folding.new_state(self.number)
        loaded = await load(reader, TopicPartition(self.host.changelog, self.number), state, self._progress)
        state.ready()
        await self.host.wait_open()
        self.loading_changelog = False
        self.state, self._done, self._begun = state, loaded.done, False
        await self.find_positions(reader)
        await self._take_back(loaded)
        self.durable = state.summary()
        if loaded.plan is not None:
            await self._redo(reader, loaded.plan)
            await self.settle()
        log.info("lane %d: %d changelog records read, positions %s", self.number, loaded.records, self.next)

    async def _take_back(self, loaded: LoadedChangelog) -> None:
        """Take back the states of an unfinished batch: no `done` of another batch may follow them."""
        if loaded.lost:
            log.error("lane %d: no state from before an unfinished batch is left for %s: they are new, or their states "
                      "were compacted away; they keep the states of that batch", self.number, sorted(loaded.lost))
        if loaded.unfinished:
            log.warning("lane %d: reverting %d states of an unfinished batch", self.number,
                        len(loaded.unfinished))
            await self._write_done(loaded.unfinished.items(), self.next)

    async def _redo(self, reader: AIOKafkaConsumer, plan: BatchPlan) -> None:
        """Fold the unfinished batch again, and before it the batches without effect that follow the last `done`. Only
        the plan shows that those were read."""
        tp, start = TopicPartition(plan.topic, self.number), self.next[plan.topic]
        log.warning("lane %d: folding the unfinished batch of %s (%d to before %d) again, from %d on", self.number,
                    plan.topic, plan.start, plan.end, start)
        if start >= plan.end:
            log.error("lane %d: the records of the unfinished batch are gone", self.number)
            return
        if plan.code != self._folding.code:
            log.error("lane %d: code %s folded the unfinished batch, and this is code %s: its outputs may differ",
                      self.number, plan.code, self._folding.code)
        records = [record async for record in read(reader, tp, start, plan.end)]
        if len(records) < plan.end - start:
            log.error("lane %d: %d offsets are of the unfinished batch, and %d of them have no record any more: its "
                      "outputs may differ if those offsets had records",
                      self.number, plan.end - start, plan.end - start - len(records))
        await self.apply(Batch(TP(*tp), start, plan.end, records))

    def start(self, extent: Extent) -> int:
        """The changelog decides: a crash after `done` leaves the group's commit behind. The commit is ahead after
        batches without effect, which may come again, or if the changelog was lost. So the commit counts only if the log
        no longer reaches back to `done`. If there never was a `done`, nothing has been judged."""
        done = self._done.get(extent.topic)
        if done is None and extent.committed is not None and extent.committed > extent.first:
            log.warning("lane %d: the group committed %d of %s, but the changelog has no position: folding from %d on",
                        self.number, extent.committed, extent.topic, extent.first)
        start = extent.first if done is None else done
        if start < extent.first:
            start = max(start, extent.committed or 0)
        if extent.topic == self.host.read_first:
            self._read_first_to = extent.last
        else:
            self._begun |= start > extent.first
        return start

    @property
    def wanted(self) -> Sequence[str]:
        """A lane that has read no other input yet first reads `read_first` (the registry) to its end: records about
        people come after the records that describe the people."""
        first = self.host.read_first
        done = first is None or self._begun or self.next[first] >= self._read_first_to
        return self.host.inputs if done or first is None else [first]

    def _progress(self, part: float) -> None:
        self.recovered = part
        self.steps += 1

    async def apply(self, batch: Batch) -> None:
        self.check(batch)
        topic = batch.tp.topic
        outputs = await self.outputs_of(batch)
        self._breakable = False
        touched = self.state.take_touched()
        if outputs:
            # Step 3 of the batch before, and step 1 of this batch.
            await self.settle((PLAN, BatchPlan(topic, batch.start, batch.end, self._folding.code).packed()))
            await self.writer.write_outputs(outputs)  # step 2
        else:
            await self.settle()
        before, self.next = self.next, {**self.next, topic: batch.end}
        owed = _Owed(batch, outputs, touched, before, self.next, self.state.summary())
        if outputs or touched:
            self._owed = owed  # step 3 goes with the next batch, or when none waits; step 4 commits up to `committable`
        else:
            self._is_durable(owed)

    @property
    def committable(self) -> dict[str, int]:
        return self.next if self._owed is None else self._owed.before

    async def settle(self, *plan: Record) -> None:
        """Write the states and the `done` of the batch before, if they are owed, and the plan of the next batch."""
        owed = self._owed
        if owed is not None:
            await self._write_done(owed.states, owed.positions, *plan)
            self._owed = None
            self._is_durable(owed)
        elif plan:
            await self.writer.write(self.host.changelog, plan)

    def _is_durable(self, owed: "_Owed") -> None:
        self.durable = owed.summary
        self.host.applied(self, owed.batch, owed.outputs)

    async def _write_done(self, states: Iterable[Record], positions: dict[str, int], *plan: Record) -> None:
        await self.writer.write(self.host.changelog, [*states, (DONE, orjson.dumps(positions)), *plan])
        self._done = positions

    async def outputs_of(self, batch: Batch) -> list[OutputRecord]:
        """Fold the batch. The event loop turns every `folded_s`, so that a long fold does not hold up other lanes."""
        outputs: list[OutputRecord] = []
        breath = time.monotonic() + self.host.limits.folded_s
        for some in self._folding.fold(self.state, batch.records):
            outputs += some
            if time.monotonic() > breath:
                self.steps += 1
                await asyncio.sleep(0)
                breath = time.monotonic() + self.host.limits.folded_s
        return outputs

    async def drop(self) -> None:
        await super().drop()
        await self.writer.stop()
