"""The database as the settings want it, asked until it answers; and who waits for that says so.

Every process that prepares collections must keep things for the same time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from runtime.clock import clock_of
from runtime.metrics import DATABASE_WAITS
from runtime.settings import Settings, SettingsError
from runtime.tasks import wait_s
from stores.connection import SOCKET_MS
from stores.errors import StoreAwayError
from stores.mongo import Store
from stores.retention import parse_retention

log = logging.getLogger(__name__)

Kind = TypeVar("Kind")
Sleep = Callable[[float], Awaitable[None]]


def store_of(settings: Settings, socket_ms: int = SOCKET_MS) -> Store:
    """Raises SettingsError."""
    try:
        retention = parse_retention(settings.retention_days)
    except ValueError as error:
        raise SettingsError(f"ANBU_RETENTION_DAYS: {error}") from None
    try:
        return Store(settings.mongodb, retention, clock_of(settings.clock_file).now, socket_ms)
    except ValueError as error:
        raise SettingsError(f"ANBU_MONGODB: {error}") from None


class Asking:
    """How an agent asks the database, and what it says of that in its health."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._unanswered: set[object] = {self}  # what was asked last by whom had no answer; at first nothing was asked

    def lacking(self) -> str | None:
        """What this worker waits for. Each question counts: a database that cannot write may still be read."""
        return "database" if self._unanswered else None

    @contextlib.contextmanager
    def by(self, who: object) -> Iterator[None]:
        """Note whether `who` gets an answer. StoreAwayError goes through: it is asked again, by the same."""
        try:
            yield
        except StoreAwayError:
            self._unanswered.add(who)
            raise
        self._unanswered -= {who, self}

    async def durably(self, ask: Callable[[], Awaitable[Kind]]) -> Kind:
        """Ask until there is an answer: away is a reason to wait, never to lose."""
        attempt, who = 0, object()
        try:
            while True:
                try:
                    with self.by(who):
                        return await ask()
                except StoreAwayError as error:
                    wait = wait_s(attempt)
                    log.warning("the database is away (%s); trying again in %g s", error, wait)
                    DATABASE_WAITS.inc()
                await self._sleep(wait)
                attempt += 1
        finally:
            self._unanswered.discard(who)  # who is refused, or has left, waits no longer
