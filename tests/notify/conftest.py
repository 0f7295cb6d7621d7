"""The database that these tests use."""

from support.database import database_server, database_url, store

__all__ = ["database_server", "database_url", "store"]
