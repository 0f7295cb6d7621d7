"""A notifier as it runs in a worker, but that a test gives it the records; its channels are endpoints of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from agents.notify import NotifyAgent
from agents.senders import Senders
from agents.store import Asking
from notifiers.routes_file import LoadedRoutes, load
from stores.mongo import Store
from support.endpoint import Endpoint
from support.notices import NOW
from support.page import StoppedClock

PATIENCE_S = 20.0


class Lanes:
    """The lanes of the worker, and those that are read to their end."""

    def __init__(self) -> None:
        self.has = {0, 1, 2}
        self.known = {0, 1, 2}

    def mine(self) -> set[int]:
        return set(self.has)

    async def read_to_end(self) -> set[int]:
        return set(self.known)


def routes_to(slack: Endpoint, duty: Endpoint, **more: Any) -> LoadedRoutes:
    sms = {"type": "http", "url": f"{duty.url}/sms", "to": "+821012345678", "json": {"text": "{text}", "id": "{id}"},
           "language": "en"}
    return load(orjson.dumps({
        "channels": {"team": {"type": "slack", "url": f"{slack.url}/hook"}, "duty": sms, **more},
        "sites": {"*": {"default": ["team"], "tz": "Asia/Seoul", "quiet": {"from": "21:00", "to": "07:00"},
                        "routes": [{"severity": ["critical"], "channels": ["team", "duty"]},
                                   {"escalated_to": "backup", "channels": ["duty"]}]}},
        "gateways": {"*": ["team"]}}).decode(), "https://anbu.example.org")


class Running:
    """A notifier as it runs in a worker, but that a test gives it the records."""

    def __init__(self, outbox: Any, loaded: LoadedRoutes, clock: StoppedClock | None = None,
                 lanes: Lanes | None = None) -> None:
        self.clock, self.lanes = clock or StoppedClock(NOW), lanes or Lanes()
        asking = Asking(_soon)
        self.senders = Senders(outbox, loaded.channels, self.lanes, self.clock, asking, lambda: 0.5)
        self.agent = NotifyAgent(outbox, loaded.routes, self.clock, self.senders.wake, asking)

    async def take(self, *events: dict[str, Any], lane: int = 0) -> None:
        await self.agent.handle([kafka(one, lane) for one in events])

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.senders.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _soon(_seconds: float) -> None:
    await asyncio.sleep(0)


def kafka(value: Any, lane: int = 0) -> ConsumerRecord:
    octets = value if isinstance(value, bytes) else orjson.dumps(value)
    return ConsumerRecord("alerts", lane, 0, 0, 0, None, octets, None, 0, 0, ())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


async def receipts(store: Store) -> dict[str, str]:
    """Every delivery's status, by revision/channel."""
    return {"/".join(one["_id"].split("/")[-2:]): one["status"] async for one in store.database.deliveries.find()}


async def statuses(store: Store) -> dict[str, str]:
    return {one["_id"]: one["status"] async for one in store.database.deliveries.find()}


async def receipts_of(store: Store, subject: str) -> list[str]:
    return [status for name, status in (await statuses(store)).items() if name.startswith(f"{subject}/")]


async def settled(store: Store, expected: dict[str, str]) -> None:
    """Wait until the receipts are the expected ones."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := await receipts(store)) != expected:
            await asyncio.sleep(0.02)
    assert found == expected


async def until_tried(store: Store, attempts: int) -> None:
    """Wait until the deliveries were tried `attempts` times, and wait for the next attempt."""
    deliveries = store.database.deliveries
    async with asyncio.timeout(PATIENCE_S):
        while (await deliveries.count_documents({"status": "sending"})
               or not await deliveries.count_documents({"status": "queued", "attempts": attempts})):
            await asyncio.sleep(0.02)


async def until_all(store: Store) -> None:
    """Wait until each delivery has a receipt."""
    async with asyncio.timeout(PATIENCE_S):
        while await store.database.deliveries.count_documents(
                {"status": {"$in": ["queued", "sending"]}}):
            await asyncio.sleep(0.02)
