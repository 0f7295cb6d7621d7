"""The database as the settings want it: every process that prepares collections must keep things for the same time."""

from stores.connection import SOCKET_MS
from stores.mongo import Store
from stores.retention import parse_retention
from streams.clock import clock_of
from streams.settings import Settings, SettingsError


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
