"""Commands, and the broker and database that they use."""

from support.commands import anbu, broker, environ, settings
from support.database import database_server, database_url, store

__all__ = ["anbu", "broker", "database_server", "database_url", "environ", "settings", "store"]
