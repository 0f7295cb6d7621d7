"""The composition: one Faust app, one agent, lanes by partition number.

Partition n of all inputs is on one worker for three reasons: all are inputs of one agent, they have equal partition
counts, and there is a changelog. Start-up refuses unequal counts.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from faust.types import TP, StreamT
from mode import CrashingSupervisor

from runtime.settings import Settings
from streams.engine import exits
from streams.engine.assignment import Assignment
from streams.engine.batch import Batch, Folding, OutputRecord
from streams.engine.boot import LanesApp
from streams.engine.faust_options import faust_settings
from streams.engine.lane import Lane, SinkLane
from streams.engine.ports import BatchMessage, Held, Limits, NumberedLane, Sink
from streams.engine.state_lane import StateLane
from streams.engine.transport import BatchSchema, Transport

Applied = Callable[[NumberedLane, Batch, Sequence[OutputRecord]], None]


class Inputs(NamedTuple):
    """The inputs of an engine.

    topics: the input topics, with equal partition counts.
    read_first: the topic that a lane without a memory reads to its end before the other topics; None: none.
    begin_at_end: whether a group that has read nothing yet begins with the records since this worker began.
    """

    topics: Sequence[str]
    read_first: str | None = None
    begin_at_end: bool = False


class Engine(Assignment):
    """The lanes of one worker, with either `folding` (state in the changelog) or `sink` (state elsewhere).

    held: what the sink still has in hand of a partition, so that it is not committed.
    applied: called when a batch is durable, for figures and watchers.
    lacking: returns what this worker lacks at the moment to be ready; None: nothing.
    """

    def __init__(self, settings: Settings, name: str, inputs: Inputs, changelog: str, *,
                 folding: Folding | None = None, sink: Sink | None = None,
                 held: Held = lambda _number: {}, applied: Applied | None = None,
                 lacking: Callable[[], str | None] = lambda: None, limits: Limits | None = None,
                 **faust_options: Any) -> None:
        super().__init__(settings, inputs.topics, changelog, limits or Limits())
        self.read_first, self.begin_at_end = inputs.read_first, inputs.begin_at_end
        self.began_ms = int(time.time() * 1000)  # real time, as in records' timestamps, not the clock of judgement
        self.folding, self._sink, self._applied, self._lacking = folding, sink, applied, lacking
        self._held = held
        brokers = [f"kafka://{one}" for one in settings.kafka.split(",")]
        self.app = app = LanesApp(name, broker=brokers, **faust_settings(settings) | faust_options)
        app.engine = self
        app.transport = Transport(app.conf.broker, app)

        topic = app.topic(*self.inputs, schema=BatchSchema(), partitions=settings.partitions)

        @app.agent(topic, name="lanes", concurrency=1, supervisor_strategy=CrashingSupervisor)
        async def hand_over(stream: StreamT[Batch]) -> None:
            async for event in stream.noack().events():  # `noack`: Faust acks in a `finally`, also after a failure
                lane = self.lanes.get(event.message.partition)
                if lane is not None and self.current(event.message):
                    lane.hand_over(event.message)
                else:
                    self.forget(event.message)

    @property
    def waiting_for(self) -> str | None:
        return self._lacking()

    @property
    def ready(self) -> bool:
        """Whether the worker judges all lanes that it has been assigned, and lacks nothing."""
        return self.open and not self.opening_lanes and self.waiting_for is None

    def _lane(self, number: int) -> Lane:
        if self.folding is not None:
            return StateLane(self, number, self.folding)
        assert self._sink is not None  # noqa: S101 - an engine has a folding or a sink
        return SinkLane(self, number, self._sink, self._held)

    @property
    def _rebalance_limit_s(self) -> float:
        return float(self.app.conf.broker_rebalance_timeout)

    # The methods of `ports.Host`, which lanes call

    def applied(self, lane: NumberedLane, batch: Batch, outputs: Sequence[OutputRecord]) -> None:
        if self._applied is not None:
            self._applied(lane, batch, outputs)

    async def committed(self, tp: TP) -> int | None:
        offset: int | None = await self.app.consumer.committed(tp)
        return offset

    def forget(self, message: BatchMessage) -> None:
        self.app.consumer.forget(message)

    def current(self, message: BatchMessage) -> bool:
        return self.open and bool(message.generation_id == self.app.consumer_generation_id)

    def die(self, why: str, error: BaseException | None = None) -> NoReturn:
        exits.die(why, error)

    def kept_out(self, error: Exception) -> None:
        why = exits.kept_out_by(error, self.settings, self.app.conf.id)
        if why is None:
            return
        if self.generation < 0:
            exits.refuse(why)
        self.die(why, error)  # the worker was a member: the right may be given back, so a restart may help
