"""The changelog of a lane: states, and among them the engine's own records that say which of them count.

* `plan`, before any output, names the batch about to be written. In which order the polls of several topics arrive is
  an accident; a successor that finds a plan without its `done` folds exactly that batch, on the same state, first.
* `done`, the last record of a batch, carries the lane's positions. A reader applies states only when it meets a `done`
  after them: a batch is in the state wholly or not at all, and nothing is folded twice. It applies them at once: of a
  nation's states there is one copy in memory.
* `owner` is the first record of whoever takes the lane over; under `fence` it shuts out whoever had it before.

Of each of the three the cleaner leaves the last only, so a state may stand before a plan or an `owner` that came long
after its own `done`. Which states never had one cannot be told from these. So whoever takes a lane over takes back
what its predecessor did not finish (`Loaded.unfinished`) with a `done` of its own, before anything else is `done`.
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
    """The batch about to be written. code: the version that folded it, so that a redo by another one is noticed."""

    topic: str
    start: int
    end: int
    code: str

    def packed(self) -> bytes:
        return orjson.dumps(self._asdict())


class LoadedChangelog(NamedTuple):
    """What a changelog says beside states: an unfinished plan, the positions of the last `done`, and how many records
    were read. unfinished: what the last `done` left under each key that a batch wrote which never had its own; lost:
    those of them of which the cleaner may have left nothing else; so they keep what that batch wrote."""

    plan: BatchPlan | None
    done: dict[str, int]
    unfinished: dict[bytes, bytes | None]
    lost: set[bytes]
    records: int


class States(dict[bytes, bytes | None]):
    """What a changelog is read into by who does not judge."""

    def restore(self, key: bytes, value: bytes | None) -> None:
        self[key] = value

    def kept(self, key: bytes) -> bytes | None:
        return self.get(key)


@asynccontextmanager
async def reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group, to read what it is told to."""
    # A broker answers a connection's requests in order: what is asked next would wait behind an idle fetch, for half a
    # second by default, and a lane asks a dozen times.
    one = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest",
                           max_partition_fetch_bytes=1 << 20, fetch_max_wait_ms=FETCH_WAIT_MS)
    try:
        await one.start()  # may fail, or be cancelled, with connections open
        yield one
    finally:
        await stop_consumer(one)


async def read(reader: AIOKafkaConsumer, tp: TopicPartition, start: int = 0,
               end: int | None = None) -> AsyncIterator[ConsumerRecord]:
    """All records of a partition from `start` to before `end`, or to the end of the log as it is now.

    Raises RuntimeError where the log ends before `end`.
    """
    last = (await reader.end_offsets([tp]))[tp]
    if end is not None and end > last:  # to wait for them would be to wait for ever
        raise RuntimeError(f"{tp.topic}, partition {tp.partition}: records to before {end} are wanted, but the log "
                           f"ends at {last}; it lost its end, or the topic was made anew")
    last = last if end is None else end
    start = max(start, (await reader.beginning_offsets([tp]))[tp])
    reader.assign([tp])
    reader.seek(tp, start)
    while await reader.position(tp) < last:  # the position, not the last record: the log may end with a marker
        for record in (await reader.getmany(tp, timeout_ms=500, max_records=5000)).get(tp, ()):
            if start <= record.offset < last:
                yield record


async def load(reader: AIOKafkaConsumer, tp: TopicPartition, state: Kept,
               progress: Callable[[float], None] = lambda _: None) -> LoadedChangelog:
    """Read a changelog to its end, and the states of the last `done` into `state`, which is empty.

    progress: told now and then which part, 0 to 1, has been read.
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
            await asyncio.sleep(0)  # a worker's other parts are not held up meanwhile
        if record.key == DONE:
            done = orjson.loads(record.value)
            for key, value in pending.items():
                state.restore(key, value)
                (removed.discard if value is not None else removed.add)(key)
            pending.clear()
        elif record.key == PLAN:
            plan = BatchPlan(**orjson.loads(record.value))
        elif record.key != OWNER:
            pending[record.key] = record.value
    if plan is not None and done.get(plan.topic, 0) > plan.start:
        plan = None  # it is done
    # Where nobody was at work for longer than `min.compaction.lag.ms`, the cleaner has left no other state of them. One
    # that is a batch ahead is better than nobody.
    before = {key: state.kept(key) for key in pending}
    lost = {key for key, value in before.items() if value is None} - removed if count < last else set()
    unfinished = {key: pending[key] if key in lost else value for key, value in before.items()}
    return LoadedChangelog(plan, done, unfinished, lost, count)
