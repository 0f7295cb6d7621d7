"""The composition: one Faust app, one agent, lanes by partition number.

Partition n of all inputs is on one worker, because all are inputs of one agent, have equal partition counts, and there
is a changelog; unequal counts are refused at start-up.
"""

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, NoReturn

import orjson
from aiokafka import ConsumerRecord
from faust.types import TP
from mode import CrashingSupervisor

from streams.engine import watchdog
from streams.engine.batch import Batch, Fold, NewState, Output
from streams.engine.boot import LanesApp
from streams.engine.lane import Lane, SinkLane, StateLane
from streams.engine.transport import BatchSchema, LaneTables, Transport
from streams.settings import Settings

log = logging.getLogger(__name__)

EXIT_MISCONFIGURED: Final = 2
EXIT_SURPRISE: Final = 70  # EX_SOFTWARE: a supervisor starts the process again
Sink = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
Applied = Callable[[Lane, Batch, Sequence[Output]], None]


def faust_settings(settings: Settings) -> dict[str, Any]:
    """What the engine needs of Faust; each value was measured or its default loses work."""
    return {
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        "topic_disable_leader": True,
        "topic_allow_declare": False,  # `boot` has, and waits for a broker that is not ready; Faust would leave
        "stream_buffer_maxsize": 4,  # counts batches, not messages: the read-ahead of the whole worker
        "broker_max_poll_records": 5000,
        "stream_recovery_delay": 0.0,
        "stream_wait_empty": True,  # a rebalance and a shutdown wait for the batch in hand
        "broker_session_timeout": settings.session_s,
        "broker_heartbeat_interval": min(1.0, settings.session_s / 3),
        "broker_rebalance_timeout": max(6.0, settings.session_s),
        "broker_request_timeout": max(20.0, settings.session_s),  # Faust refuses one below the session time-out
        "broker_commit_interval": 1.0,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": 1 << 20,
        # A leader that asks a broker which has just started may hear of no topics, and gives nobody anything until it
        # asks again: by default in five minutes.
        "consumer_metadata_max_age_ms": 5000,
        "table_standby_replicas": 0,  # with 1, the default, the assignor leaves a worker that joins without partitions
        "TableManager": LaneTables,
    }


class Engine:
    """One worker's lanes. Either `new_state` and `fold` (state in the changelog), or `sink` (state elsewhere).

    applied: called when a batch is durable, for figures and watchers. begin_at_end: a group that has read nothing yet
    begins with what comes from now on, not with what the topics still hold.
    """

    def __init__(self, settings: Settings, name: str, *, inputs: Sequence[str], changelog: str,
                 new_state: NewState | None = None, fold: Fold | None = None, sink: Sink | None = None,
                 applied: Applied | None = None, begin_at_end: bool = False, **faust_options: Any) -> None:
        self.settings, self.inputs, self.changelog = settings, tuple(inputs), changelog
        self.begin_at_end = begin_at_end
        self._new_state, self._fold, self._sink, self._applied = new_state, fold, sink, applied
        self.lanes: dict[int, Lane] = {}
        self.open = False  # the gate: shut from the first word of a rebalance until the lanes are taken over
        self.has_lanes = False
        self.waiting_for: str | None = None  # what else is needed before this worker is of use
        self.generation = -1
        self.opening_lanes: dict[int, Lane] = {}  # being taken over
        self._opening: asyncio.Future[Any] | None = None
        brokers = [f"kafka://{one}" for one in settings.kafka.split(",")]
        self.app = app = LanesApp(name, broker=brokers, **faust_settings(settings) | faust_options)
        app.engine = self
        app.transport = Transport(app.conf.broker, app)

        topic = app.topic(*inputs, schema=BatchSchema(), partitions=settings.partitions)

        @app.agent(topic, name="lanes", concurrency=1, supervisor_strategy=CrashingSupervisor)
        async def hand_over(stream: Any) -> None:
            async for event in stream.noack().events():  # `noack`: Faust would ack in a `finally`, after failures too
                lane = self.lanes.get(event.message.partition)
                if lane is not None and self.current(event.message):
                    lane.hand_over(event.message)
                else:
                    self.forget(event.message)

        if fold is not None:  # who writes elsewhere may wait for it as long as it takes
            @app.task
            async def watch_progress() -> None:
                await watchdog.watch(self, watchdog.STALLED_S)

    @property
    def ready(self) -> bool:
        return self.has_lanes and self.waiting_for is None

    # What lanes ask for

    def new_state(self, number: int) -> Any:
        assert self._new_state is not None  # noqa: S101 - a StateLane is made only where there is one
        return self._new_state(number)

    def fold(self, state: Any, records: Sequence[ConsumerRecord]) -> Iterable[Sequence[Output]]:
        assert self._fold is not None  # noqa: S101 - likewise
        return self._fold(state, records)

    async def sink(self, records: Sequence[ConsumerRecord]) -> None:
        assert self._sink is not None  # noqa: S101 - likewise
        await self._sink(records)

    def dumps(self, positions: dict[str, int]) -> bytes:
        return orjson.dumps(positions)

    def applied(self, lane: Lane, batch: Batch, outputs: Sequence[Output]) -> None:
        if self._applied is not None:
            self._applied(lane, batch, outputs)

    async def committed(self, tp: TP) -> int | None:
        offset: int | None = await self.app.consumer.committed(tp)
        return offset

    def forget(self, message: Any) -> None:
        self.app.consumer.forget(message)

    def current(self, message: Any) -> bool:
        return self.open and bool(message.generation_id == self.app.consumer_generation_id)

    def positions(self) -> dict[TP, int]:
        return {TP(topic, number): offset for number, lane in self.lanes.items() for topic, offset in lane.next.items()}

    # What Faust's side asks for

    async def quiesce(self) -> None:
        """Shut the gate, drop what waits, wait for the batches in hand. Then every lane stands still."""
        self.open = False
        if self._opening is not None:
            self._opening.cancel()  # going on after the loss of the partition, it would fence the rightful owner
        for lane in self.lanes.values():
            lane.drop_waiting()
        limit = self.app.conf.broker_rebalance_timeout
        try:
            await asyncio.wait_for(asyncio.gather(*(lane.idle.wait() for lane in self.lanes.values())), limit)
        except TimeoutError as error:
            self.die(f"a batch took more than {limit} s", error)

    async def take_over(self, generation: int) -> bool:
        """Make the lanes those of the assignment. False: another rebalance has begun, which brings its own call."""
        assigned = self.app.consumer.assignment()
        numbers = {tp.partition for tp in assigned if tp.topic in self.inputs}
        torn = {n for n in numbers if not all(TP(topic, n) in assigned for topic in self.inputs)}
        if torn:  # unequal partition counts, or a topic that was not there yet; Faust sees it later, and rebalances
            log.error("partitions %s are not assigned for all of %s: not started", sorted(torn), self.inputs)
            numbers -= torn
        # A lane goes on with the state it has only if no generation lies between (a frozen worker has missed some):
        # otherwise somebody else may have owned it. Faust's `newly_assigned` does not tell the two apart.
        kept = numbers & set(self.lanes) if generation == self.generation + 1 else set()
        for number in set(self.lanes) - kept:
            await self.lanes.pop(number).drop()
        self.generation = generation
        fresh = [self._lane(number) for number in sorted(numbers - kept)]
        self.opening_lanes = {lane.number: lane for lane in fresh}
        self._opening = asyncio.gather(*(lane.take_over() for lane in fresh))
        cancelled = False
        try:
            await self._opening
        except asyncio.CancelledError:
            cancelled = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the process leaves with it
            self.die("take-over", error)
        self._opening, self.opening_lanes = None, {}
        if cancelled or generation != self.app.consumer_generation_id:
            for lane in fresh:
                await lane.drop()
            return False
        self.lanes.update((lane.number, lane) for lane in fresh)
        self.open = self.has_lanes = True
        return True

    def _lane(self, number: int) -> Lane:
        return SinkLane(self, number) if self._fold is None else StateLane(self, number)

    async def close(self) -> None:
        self.has_lanes = False
        while self.lanes:
            await self.lanes.popitem()[1].drop()

    def refuse(self, why: str) -> NoReturn:
        """Leave where a setting is wrong: one line, status 2, so that no supervisor tries again."""
        sys.stderr.write(f"{why}\n")
        sys.stderr.flush()
        os._exit(EXIT_MISCONFIGURED)

    def die(self, why: str, error: BaseException | None = None) -> NoReturn:
        """Leave at once, without acks, commits or clean-up: all that is needed to go on is in the broker."""
        log.critical("exit %d: %s\n%s", EXIT_SURPRISE, why,
                     "".join(traceback.format_exception(error)) if error else "")
        logging.shutdown()
        os._exit(EXIT_SURPRISE)
