"""The database as the settings want it, and asked until it answers.

Every process that prepares collections must keep things for the same time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from stores.connection import SOCKET_MS
from stores.errors import StoreAwayError
from stores.mongo import Store
from stores.retention import parse_retention
from streams.clock import clock_of
from streams.metrics import DATABASE_WAITS
from streams.settings import Settings, SettingsError

log = logging.getLogger(__name__)

_WAITS_S: Final = (0.5, 1.0, 2.0, 5.0)
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


async def durably(ask: Callable[[], Awaitable[Kind]], sleep: Sleep = asyncio.sleep) -> Kind:
    """Ask the database until it answers: away is a reason to wait, never to lose."""
    attempt = 0
    while True:
        try:
            return await ask()
        except StoreAwayError as error:
            wait = _WAITS_S[min(attempt, len(_WAITS_S) - 1)]
            log.warning("the database is away (%s); trying again in %g s", error, wait)
            DATABASE_WAITS.inc()
        await sleep(wait)
        attempt += 1
