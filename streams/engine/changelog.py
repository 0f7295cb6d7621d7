"""The changelog of a lane: states, and among them the engine's own records that say which of the states count.

* `plan` comes before any output and names the batch about to be written. The order in which the polls of several
  topics arrive is an accident. So a successor that finds a plan without its `done` first folds exactly that batch, on
  the same state.
* `done` is the last record of a batch and carries the lane's positions. A reader applies states only when it meets a
  `done` after them: a batch is in the state wholly or not at all, and nothing is folded twice. The reader applies the
  states at once, so memory holds one copy of a nation's states.
* `owner` is the first record of the worker that takes the lane over; under `fence` it shuts out the former owner.

The cleaner leaves only the last `plan`, `done` and `owner`. So a state may stand before a `plan` or an `owner` that
came long after the state's own `done`. The three records do not show which states never had a `done`. So the new owner
first takes back the states that the former owner did not finish (`LoadedChangelog.unfinished`), with a `done` of its
own. Only then may another `done` follow.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from runtime.settings import Settings
from streams.engine.batch import Kept
from streams.kafka import kafka_options, stop_consumer

PLAN: Final = b"\x00plan"
DONE: Final = b"\x00done"
OWNER: Final = b"\x00owner"
TOLD_EVERY: Final = 5000
FETCH_WAIT_MS: Final = 20


class BatchPlan(NamedTuple):
    """The batch about to be written.

    code: the version of the fold, so that a worker with another version notices it when it folds the batch again.
    """

    topic: str
    start: int
    end: int
    code: str

    def packed(self) -> bytes:
        return orjson.dumps(self._asdict())


class LoadedChangelog(NamedTuple):
    """What a changelog says beside states.

    plan: the plan that has no `done`; None: none.
    done: the positions of the last `done`, by topic.
    unfinished: by key that an unfinished batch wrote, the value that the last `done` left.
    lost: keys of `unfinished` whose older states the cleaner may have removed; these keep what the batch wrote.
    records: how many records were read.
    """

    plan: BatchPlan | None
    done: dict[str, int]
    unfinished: dict[bytes, bytes | None]
    lost: set[bytes]
    records: int


class States(dict[bytes, bytes | None]):
    """The states of a changelog, for a reader that does not judge."""

    def restore(self, key: bytes, value: bytes | None) -> None:
        self[key] = value

    def kept(self, key: bytes) -> bytes | None:
        return self.get(key)


@asynccontextmanager
async def reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group; the caller assigns its partitions."""
    # A broker answers a connection's requests in order. The next request would wait behind an idle fetch, for half a
    # second by default, and a lane sends a dozen requests.
    one = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest",
                           max_partition_fetch_bytes=1 << 20, fetch_max_wait_ms=FETCH_WAIT_MS)
    try:
        await one.start()  # may fail, or be cancelled, with connections open
        yield one
    finally:
        await stop_consumer(one)


async def read(reader: AIOKafkaConsumer, tp: TopicPartition, start: int = 0,
               end: int | None = None) -> AsyncIterator[ConsumerRecord]:
    """All records of a partition from `start` to before `end`, or to the present end of the log.

    Raises RuntimeError if the log ends before `end`.
    """
    last = (await reader.end_offsets([tp]))[tp]
    if end is not None and end > last:  # waiting for these records would never end
        raise RuntimeError(f"{tp.topic}, partition {tp.partition}: the records before {end} are expected, but the log "
                           f"ends at {last}: it lost its end, or the topic was created again")
    last = last if end is None else end
    start = max(start, (await reader.beginning_offsets([tp]))[tp])
    reader.assign([tp])
    reader.seek(tp, start)
    while await reader.position(tp) < last:  # compare the position, not the last record: the log may end with a marker
        for record in (await reader.getmany(tp, timeout_ms=500, max_records=5000)).get(tp, ()):
            if start <= record.offset < last:
                yield record


async def load(reader: AIOKafkaConsumer, tp: TopicPartition, state: Kept,
               progress: Callable[[float], None] = lambda _: None) -> LoadedChangelog:
    """Read a changelog to its end, and load the states of the last `done` into `state`, which is empty.

    progress: called every TOLD_EVERY records with the part that has been read, 0 to 1.
    """
    last = (await reader.end_offsets([tp]))[tp]
    plan: BatchPlan | None = None
    done: dict[str, int] = {}
    pending: dict[bytes, bytes | None] = {}
    removed: set[bytes] = set()
    count = 0
    async for record in read(reader, tp, end=last):
        count += 1
        if count % TOLD_EVERY == 0:
            progress(record.offset / last)
            await asyncio.sleep(0)  # so the worker's other tasks get their turn
        if record.key == DONE:
            done = orjson.loads(record.value)
            for key, value in pending.items():
                state.restore(key, value)
                if value is None:
                    removed.add(key)
                else:
                    removed.discard(key)
            pending.clear()
        elif record.key == PLAN:
            plan = BatchPlan(**orjson.loads(record.value))
        elif record.key != OWNER:
            pending[record.key] = record.value
    if plan is not None and done.get(plan.topic, 0) > plan.start:
        plan = None  # the planned batch is done
    # If no worker ran for longer than `min.compaction.lag.ms`, the cleaner may have removed the older states of these
    # keys. A state that is one batch ahead is better than no state.
    before = {key: state.kept(key) for key in pending}
    lost = {key for key, value in before.items() if value is None} - removed if count < last else set()
    unfinished = {key: pending[key] if key in lost else value for key, value in before.items()}
    return LoadedChangelog(plan, done, unfinished, lost, count)
