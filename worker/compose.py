"""The composition root of a worker builds the engine, its agent, and the dependencies of the agent."""

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRecord

from agents.ask import ASK_INPUTS, AskAgent
from agents.deadman import Deadman
from agents.notify import NOTIFY_INPUTS, LanePositions, NotifyAgent
from agents.record import RECORD_INPUTS, RecordAgent
from agents.senders import Senders
from agents.store import Asking, store_of
from agents.watch import WatchAgent
from models.contract.documents import Output
from models.contract.topics import INPUTS
from models.notifications.routes import RoutesError
from notifiers.routes_file import LoadedRoutes, load
from runtime import logs, metrics
from runtime.clock import clock_of
from runtime.settings import Settings, SettingsError
from stores.deliveries import Deliveries
from streams.engine.batch import Batch, OutputRecord
from streams.engine.engine import Engine, Inputs
from streams.engine.lane import Lane
from streams.engine.ports import Limits, NumberedLane
from streams.engine.state_lane import StateLane
from streams.kafka import producer
from streams.partition import partition_of
from streams.topics import REGISTRY, changelog
from worker import operator_views


def build(settings: Settings, limits: Limits | None = None) -> Engine:
    """Build the engine of the one agent that the settings name. Raises SettingsError."""
    names = settings.agents or ("watch",)
    if len(names) != 1:
        raise SettingsError(f"ANBU_AGENTS: one worker runs one agent, not {', '.join(names)}; `anbu worker` starts all")
    options = {**operator_views.faust_options(settings), "limits": limits,
               "logging_config": logs.logging_config(settings, names[0])}
    engine = {"watch": _watch, "record": _record, "notify": _notify, "ask": _ask}[names[0]](settings, options)
    operator_views.add(engine, settings)
    return engine


def _watch(settings: Settings, options: dict[str, Any]) -> Engine:
    clock = clock_of(settings.clock_file)
    watch = WatchAgent(settings, clock)
    deadman = None if settings.deadman_url is None else Deadman(settings.deadman_url, clock)

    def applied(lane: NumberedLane, batch: Batch, outputs: Sequence[OutputRecord]) -> None:
        metrics.count(lane, batch, outputs)
        if deadman is not None and isinstance(lane, StateLane):
            deadman.applied(lane.number, lane.state.latest)

    engine = Engine(settings, settings.app_id, Inputs(INPUTS, read_first=REGISTRY), changelog(settings),
                    folding=watch.folding, applied=applied, **options)

    @engine.app.task
    async def report_progress() -> None:
        await watch.report_progress(engine)

    @engine.app.task
    async def tick() -> None:
        await watch.tick(engine)

    @engine.app.task
    async def ping() -> None:
        if deadman is not None:
            await deadman.run(lambda: list(engine.lanes))

    return engine


def _record(settings: Settings, options: dict[str, Any]) -> Engine:
    store = store_of(settings)
    sender: list[AIOKafkaProducer] = []

    async def quarantine(outputs: list[Output]) -> None:
        if not sender:
            sender.append(producer(settings))
            await sender[0].start()
        for output in outputs:
            await sender[0].send_and_wait(output.topic, output.value, key=output.key)
        metrics.count_outputs(outputs)

    agent = RecordAgent(store, quarantine, lambda subject: partition_of(subject, settings.partitions))
    name = f"{settings.app_id}-record"
    engine = Engine(settings, name, Inputs(RECORD_INPUTS), f"{name}-has-none", sink=agent.handle,
                    applied=metrics.count, lacking=agent.asking.lacking, **options)

    @engine.app.task
    async def keep_figures() -> None:
        await agent.keep_figures()

    return engine


def _notify(settings: Settings, options: dict[str, Any]) -> Engine:
    loaded = _routes(settings)
    store, outbox = store_of(settings), Deliveries(settings.mongodb)
    clock, asking = clock_of(settings.clock_file), Asking()

    prepared = asyncio.Event()

    async def handle(records: Sequence[ConsumerRecord]) -> None:
        await prepared.wait()  # no document is written before the schemas and indexes exist
        await agent.handle(records)

    name = f"{settings.app_id}-notify"
    engine = Engine(settings, name, Inputs(NOTIFY_INPUTS, begin_at_end=True), f"{name}-has-none", sink=handle,
                    applied=metrics.count, lacking=asking.lacking, **options)
    senders = Senders(outbox, loaded.channels, LanePositions(engine), clock, asking)
    agent = NotifyAgent(outbox, loaded.routes, clock, senders.wake, asking)

    @engine.app.task
    async def send() -> None:
        await asking.durably(store.prepare)
        store.close()
        prepared.set()
        await senders.run()

    return engine


def _ask(settings: Settings, options: dict[str, Any]) -> Engine:
    loaded = _routes(settings)
    if not loaded.asks:
        raise SettingsError("ANBU_ROUTES_FILE: asks: is missing; name the channel of each gateway whose devices are "
                            "asked (docs/notify.md)")

    def lane(partition: int) -> Lane | None:
        return engine.lanes.get(partition)

    agent = AskAgent(loaded, clock_of(settings.clock_file), lane)
    # The topic deletes a question after a day: its deadline is over by then, so nothing is lost.
    settings, name = dataclasses.replace(settings, accept_loss=True), f"{settings.app_id}-ask"
    engine = Engine(settings, name, Inputs(ASK_INPUTS), f"{name}-has-none", sink=agent.handle, held=agent.held,
                    applied=metrics.count, **options)

    @engine.app.task
    async def send() -> None:
        await agent.run()

    return engine


def _routes(settings: Settings) -> LoadedRoutes:
    try:
        return load(settings.routes_document(), settings.public_url)
    except RoutesError as error:
        raise SettingsError(f"ANBU_ROUTES_FILE: {error}") from None
