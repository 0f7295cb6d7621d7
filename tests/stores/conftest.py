"""The database that these tests write to."""

import pytest
from support.database import choose_database, database_server, database_url, store

__all__ = ["database_server", "database_url", "store"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choose_database(metafunc)
