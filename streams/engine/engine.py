"""The composition: one Faust app, one agent, lanes by partition number.

Partition n of all inputs is on one worker, because all are inputs of one agent, have equal partition counts, and there
is a changelog; unequal counts are refused at start-up.
"""

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, NoReturn

import orjson
from aiokafka import ConsumerRecord
from aiokafka.errors import GroupAuthorizationFailedError, InvalidSessionTimeoutError
from faust.auth import SASLCredentials, SSLCredentials
from faust.types import TP
from faust.types.auth import CredentialsT
from mode import CrashingSupervisor

from runtime.settings import Settings
from streams.engine.batch import Batch, Fold, NewState, OutputRecord
from streams.engine.boot import LanesApp
from streams.engine.lane import Lane, SinkLane
from streams.engine.state_lane import StateLane
from streams.engine.transport import BatchSchema, LaneTables, Transport
from streams.kafka import kafka_options

log = logging.getLogger(__name__)

EXIT_MISCONFIGURED: Final = 2
EXIT_SURPRISE: Final = 70  # EX_SOFTWARE: a supervisor starts the process again
LAST_WORDS_S: Final = 5.0
Sink = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
Applied = Callable[[Lane, Batch, Sequence[OutputRecord]], None]


def credentials(settings: Settings) -> CredentialsT | None:
    """What `kafka_options` says of security, in Faust's words: its clients connect by these."""
    options = kafka_options(settings)
    context = options.get("ssl_context")
    if "sasl_mechanism" in options:
        return SASLCredentials(mechanism=options["sasl_mechanism"], username=options["sasl_plain_username"],
                               password=options["sasl_plain_password"], ssl_context=context)
    return None if context is None else SSLCredentials(context)


def faust_settings(settings: Settings) -> dict[str, Any]:
    """What the engine needs of Faust; each value was measured or its default loses work."""
    return {
        "broker_credentials": credentials(settings),
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
    begins with what has come since this worker began, not with what the topics held before. read_first: the input that
    a lane which remembers nothing reads to its end before the others: who people are, before what is said of them.
    lacking: what else is needed, just now, before this worker is of use; None: nothing.
    """

    def __init__(self, settings: Settings, name: str, *, inputs: Sequence[str], changelog: str,
                 new_state: NewState | None = None, fold: Fold | None = None, sink: Sink | None = None,
                 applied: Applied | None = None, begin_at_end: bool = False,
                 read_first: str | None = None, lacking: Callable[[], str | None] = lambda: None,
                 **faust_options: Any) -> None:
        self.settings, self.inputs, self.changelog = settings, tuple(inputs), changelog
        self.begin_at_end, self.read_first = begin_at_end, read_first
        self.began_ms = int(time.time() * 1000)  # records bear real time, whatever the clock of judgement says
        self._new_state, self._fold, self._sink, self._applied = new_state, fold, sink, applied
        self._lacking = lacking
        self.lanes: dict[int, Lane] = {}
        self._gate = asyncio.Event()  # shut from the first word of a rebalance until the lanes are assigned
        self.generation = -1
        self.opening_lanes: dict[int, Lane] = {}  # being taken over; those that were kept go on meanwhile
        self.torn: set[int] = set()  # partitions that are not assigned for all inputs
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._numbers: set[int] = set()  # of the lanes that the assignment gives
        self.quiesced = self._assigned = 0  # how often the lanes were stilled: by now, and when they were assigned
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

    @property
    def open(self) -> bool:
        return self._gate.is_set()

    async def wait_open(self) -> None:
        while not self.open:  # it may be shut again before who waits has his turn
            await self._gate.wait()

    @property
    def waiting_for(self) -> str | None:
        return self._lacking()

    @property
    def ready(self) -> bool:
        """Whether all that this worker has been assigned is being judged."""
        return self.open and not self.opening_lanes and self.waiting_for is None

    # What lanes ask for

    def new_state(self, number: int) -> Any:
        assert self._new_state is not None  # noqa: S101 - a StateLane is made only where there is one
        return self._new_state(number)

    def fold(self, state: Any, records: Sequence[ConsumerRecord]) -> Iterable[Sequence[OutputRecord]]:
        assert self._fold is not None  # noqa: S101 - likewise
        return self._fold(state, records)

    async def sink(self, records: Sequence[ConsumerRecord]) -> None:
        assert self._sink is not None  # noqa: S101 - likewise
        await self._sink(records)

    def dumps(self, positions: dict[str, int]) -> bytes:
        return orjson.dumps(positions)

    def applied(self, lane: Lane, batch: Batch, outputs: Sequence[OutputRecord]) -> None:
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
        return {TP(topic, number): offset for number, lane in self.lanes.items() if lane.valid
                for topic, offset in lane.committable.items()}

    # What Faust's side asks for

    async def quiesce(self) -> None:
        """Shut the gate, drop what waits, wait for the batches in hand. Then every lane stands still."""
        self._gate.clear()
        self.quiesced += 1
        for number, lane in self.opening_lanes.items():
            if not lane.reading:  # going on after the loss of the partition, it would fence the rightful owner
                lane.valid = False
                self._cancel(number)
        for lane in self.lanes.values():
            lane.drop_waiting()
        limit = self.app.conf.broker_rebalance_timeout
        if await self._busy(limit / 2):
            for lane in self.lanes.values():
                lane.break_off()  # the fold of a deadline of very many; whoever has the lane next folds it again
            if await self._busy(limit / 2):
                self.die(f"a batch took more than {limit} s")

    async def _busy(self, limit_s: float) -> bool:
        """Wait for the batches in hand. Returns whether there still are some."""
        waiting = [asyncio.ensure_future(lane.idle.wait()) for lane in self.lanes.values()]
        pending = (await asyncio.wait(waiting, timeout=limit_s))[1] if waiting else set()
        for one in pending:
            one.cancel()
        return bool(pending)

    def assigned(self, assigned: Iterable[TP], generation: int) -> None:
        """Note what an assignment gives. A rebalance may have begun anew by the time that `take_over` is called."""
        held = set(assigned)
        numbers = {tp.partition for tp in held if tp.topic in self.inputs}
        self.torn = {number for number in numbers if number >= self.settings.partitions
                     or not all(TP(topic, number) in held for topic in self.inputs)}
        if self.torn:  # partitions were added; or a topic was not there yet, and Faust sees it later and rebalances
            log.error("partitions %s are not assigned for all of %s, or are new: not started",
                      sorted(self.torn), self.inputs)
        self._numbers = numbers - self.torn
        # A lane goes on with the state it has only if no generation lies between (a frozen worker has missed some):
        # otherwise somebody else may have owned it. Faust's `newly_assigned` does not tell the two apart.
        for number, lane in [*self.lanes.items(), *self.opening_lanes.items()]:
            lane.valid &= number in self._numbers and generation == self.generation + 1
        self.generation, self._assigned = generation, self.quiesced

    async def take_over(self) -> bool:
        """Make the lanes those of the assignment: those that were here go on at once, the others when they are read.

        False: another rebalance has begun, which brings its own call. To open lanes now would be to shut out whoever
        gets them.
        """
        assigned = self._assigned
        if self.quiesced != assigned:
            return False
        await self._let_go([lane for lane in [*self.lanes.values(), *self.opening_lanes.values()] if not lane.valid])
        if self.quiesced != assigned:
            return False
        self._gate.set()
        for number in sorted(self._numbers - self.lanes.keys() - self.opening_lanes.keys()):
            lane = self.opening_lanes[number] = self._lane(number)
            self._opening[number] = asyncio.create_task(self._open(lane))
        return True

    async def _open(self, lane: Lane) -> None:
        try:
            await lane.take_over()
        except Exception as error:  # noqa: BLE001 - whatever it is, the process leaves with it
            self.die(f"take-over of lane {lane.number}", error)
        if lane.valid:
            del self._opening[lane.number]
            self.lanes[lane.number] = self.opening_lanes.pop(lane.number)

    def _cancel(self, number: int) -> None:
        """Once: a second cancellation would hit what the first has left to put away."""
        if not self._opening[number].cancelling():
            self._opening[number].cancel()

    async def _let_go(self, gone: Sequence[Lane]) -> None:
        """Drop lanes, opened or not."""
        opening = [self._opening[lane.number] for lane in gone if self.opening_lanes.get(lane.number) is lane]
        for lane in gone:
            if self.opening_lanes.get(lane.number) is lane:
                self._cancel(lane.number)
                del self._opening[lane.number], self.opening_lanes[lane.number]
            else:
                del self.lanes[lane.number]
        await asyncio.gather(*opening, return_exceptions=True)
        await asyncio.gather(*(lane.drop() for lane in gone))

    def _lane(self, number: int) -> Lane:
        return SinkLane(self, number) if self._fold is None else StateLane(self, number)

    async def close(self) -> None:
        self._gate.clear()
        await self._let_go([*self.lanes.values(), *self.opening_lanes.values()])

    def refuse(self, why: str, status: int = EXIT_MISCONFIGURED) -> NoReturn:
        """Leave where a setting is wrong: one line, and a status that tells a supervisor not to try again."""
        sys.stderr.write(f"{why}\n")
        sys.stderr.flush()
        os._exit(status)

    def kept_out(self, error: Exception) -> None:
        """Leave where the brokers do not let this worker into its group, and waiting does not help; else return."""
        settings = self.settings
        if isinstance(error, InvalidSessionTimeoutError):
            why = (f"ANBU_SESSION_S is {settings.session_s:g}, which the brokers do not take: by default 6 to 1800 "
                   "(group.min.session.timeout.ms, group.max.session.timeout.ms)")
        elif isinstance(error, GroupAuthorizationFailedError):
            why = (f"ANBU_KAFKA_SECURITY_USER {settings.kafka_user or '(not set)'} may not read the group "
                   f"{self.app.conf.id}: allow it in Kafka for groups whose names begin with ANBU_APP_ID")
        else:
            return
        if self.generation < 0:
            self.refuse(why)
        self.die(why, error)  # it was a member: what is taken from it now may be given back, so try again

    def die(self, why: str, error: BaseException | None = None) -> NoReturn:
        """Leave at once, without acks, commits or clean-up: all that is needed to go on is in the broker."""
        last_words = threading.Timer(LAST_WORDS_S, os._exit, (EXIT_SURPRISE,))  # a log may block who writes to it
        last_words.daemon = True
        last_words.start()
        log.critical("exit %d: %s\n%s", EXIT_SURPRISE, why,
                     "".join(traceback.format_exception(error)) if error else "")
        logging.shutdown()
        os._exit(EXIT_SURPRISE)
