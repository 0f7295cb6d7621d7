"""The agent `ask` as it runs in a worker, but that a test gives it the records; its channels are a test's endpoints."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from agents.ask import AskAgent
from models.contract.asks import Ask
from models.contract.outputs import write_ask
from models.window import Window
from notifiers.routes_file import LoadedRoutes, load
from support.endpoint import Endpoint

NOW = 1_795_479_300  # 2026-11-24T00:15:00Z: a quarter past nine in Seoul
UNTIL = NOW + 900
TEXT = "W.IQAAACoTsAIUsTacwiKL14ywaQjIztw2ZigSTMl14gFzNxeGFHYQ7ZcEk9ceuv6uvBPFJJWczMw"


def question(subject: int = 42, gateway: str = "seoul-1", until: int = UNTIL, number: int = 2) -> Ask:
    return Ask(subject, "jongno", gateway, 0, Window.parse("2026-11-24:morning"), number, "+821000000042", TEXT, NOW,
               until)


def http(endpoint: Endpoint, **more: Any) -> dict[str, Any]:
    return {"type": "http", "url": f"{endpoint.url}/sms", "per_s": 1000,
            "json": {"to": "{to}", "text": "{text}", "id": "{id}", "valid": "{valid_s}"}, **more}


def routes(channels: dict[str, Any], asks: dict[str, str]) -> LoadedRoutes:
    team = {"type": "slack", "url": "https://hooks.slack.com/services/T/B/X"}
    return load(orjson.dumps({"channels": {"team": team, **channels}, "asks": asks,
                              "sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]}}).decode(), None)


class MovedClock:
    """The machine's clock, that a test moves forward. virtual: so that it is looked at often."""

    virtual = True

    def __init__(self) -> None:
        self.shift = NOW - time.monotonic()

    def now(self) -> float:
        return time.monotonic() + self.shift


class RunningAsk:
    """lanes: the present lane of each partition."""

    def __init__(self, loaded: LoadedRoutes) -> None:
        self.clock = MovedClock()
        self.lanes: dict[int, object] = {0: "a lane", 1: "another lane"}
        self.agent = AskAgent(loaded, self.clock, self.lanes.get, lambda: 0.0)
        self._offset = 0

    async def take(self, *asks: Ask | bytes, partition: int = 0, offset: int | None = None) -> None:
        """offset: of the first; else the records follow those before."""
        self._offset = self._offset if offset is None else offset
        records = []
        for one in asks:
            value = one if isinstance(one, bytes) else write_ask(one).value
            records.append(ConsumerRecord("asks", partition, self._offset, 0, 0, None, value, None, 0, 0, ()))
            self._offset += 1
        await self.agent.handle(records)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.agent.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
