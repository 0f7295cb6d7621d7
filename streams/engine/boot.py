"""The parts of a worker start in this order: the operator's views, then the wait for the broker, then the rest.

So a worker logs that the broker is away at start-up, and waits for it; `/health/` answers "not ready" meanwhile. Faust
alone would leave with status 1. This module overrides `BootStrategy.server` and `App._new_web` of faust-streaming
0.15.3.
"""

from collections.abc import Iterable
from typing import Any

import faust
from faust.app.base import BootStrategy
from faust.web.drivers import aiohttp
from mode import Service
from mode.types import ServiceT

from runtime.settings import Settings, SettingsError
from streams.engine import exits, watchdog
from streams.engine.assignment import Assignment
from streams.topics import declare


class Topics(Service):
    """Has started when the broker answers and all topics are as they have to be."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        self._settings = settings

    async def on_start(self) -> None:
        try:
            await declare(self._settings)
        except SettingsError as error:
            exits.refuse(str(error))


class Boot(BootStrategy):
    def server(self) -> Iterable[ServiceT]:
        app = self.app
        parts: Iterable[ServiceT] = self._chain(
            self.sensors(),
            self.web_server(),
            [Topics(app.engine.settings, loop=app.loop, beacon=app.beacon),
             watchdog.Watchdog(app.engine, loop=app.loop, beacon=app.beacon)],
            self.kafka_producer(),
            self.kafka_consumer(),
            self.agents(),
            self.kafka_conductor(),
            self.tables(),
        )
        return parts


class Views(aiohttp.Web):
    async def start_server(self) -> None:
        try:
            await super().start_server()
        except OSError as error:
            settings = self.app.engine.settings
            exits.refuse(f"ANBU_WORKER_HOST, ANBU_WORKER_PORT: cannot listen on "
                         f"{settings.worker_host}:{settings.worker_port}: {error.strerror or error}",
                         status=exits.EXIT_ADDRESS_TAKEN)


class LanesApp(faust.App):
    BootStrategy = Boot
    engine: Assignment

    def _new_web(self) -> Views:
        return Views(self)

    def _crash(self, reason: BaseException) -> None:
        self.engine.die("Faust has crashed", reason)  # Faust would go on for a while, and end with status 1

    async def start(self) -> None:
        try:
            await super().start()
        except Exception as error:  # noqa: BLE001 - any error, such as a broker that has gone again
            self.engine.die("the worker could not start", error)  # Faust would end with status 1

    async def stop(self) -> None:
        watchdog.leave_within(self.engine.limits.left_s, self.engine.die)
        await super().stop()
