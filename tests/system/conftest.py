"""Whole systems on the embedded broker and database."""

from support.database import database_server, database_url

__all__ = ["database_server", "database_url"]
