"""An agent retries until the database answers, and its health says while it waits.

`store_of` makes the store from the settings: all processes that prepare collections must use the same retention.
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
    """Make the store from the settings. Raises SettingsError."""
    try:
        retention = parse_retention(settings.retention_days)
    except ValueError as error:
        raise SettingsError(f"ANBU_RETENTION_DAYS: {error}") from None
    try:
        return Store(settings.mongodb, retention, clock_of(settings.clock_file).now, socket_ms)
    except ValueError as error:
        raise SettingsError(f"ANBU_MONGODB: {error}") from None


class Asking:
    """Operations on the database with retries, and the state of the database for the agent's health."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._unanswered: set[object] = {self}  # callers without an answer; self: no operation yet

    def lacking(self) -> str | None:
        """Return "database" if any caller waits for it. Each one counts: reads may succeed while writes fail."""
        return "database" if self._unanswered else None

    @contextlib.contextmanager
    def by(self, who: object) -> Iterator[None]:
        """Note whether the caller `who` gets an answer. StoreAwayError goes through: the same caller retries."""
        try:
            yield
        except StoreAwayError:
            self._unanswered.add(who)
            raise
        self._unanswered -= {who, self}

    async def durably(self, ask: Callable[[], Awaitable[Kind]]) -> Kind:
        """Retry until the database answers: while it is away the agent waits, and loses nothing."""
        attempt, who = 0, object()
        try:
            while True:
                try:
                    with self.by(who):
                        return await ask()
                except StoreAwayError as error:
                    wait = wait_s(attempt)
                    log.warning("the database is away (%s); retrying in %g s", error, wait)
                    DATABASE_WAITS.inc()
                await self._sleep(wait)
                attempt += 1
        finally:
            self._unanswered.discard(who)  # a caller that was refused or cancelled waits no longer
