"""A broker of its own for each test, so topics begin empty; and a page without one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.broker import empty_broker
from support.database import choose_database, database_server, database_url, store
from support.page import MemoryHistory, Running, StoppedClock, page_settings, running_page

from local.embedded import free_port
from runtime.settings import Settings
from web.service import Web

__all__ = ["database_server", "database_url", "store"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choose_database(metafunc)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Of a broker that is there."""
    with empty_broker(tmp_path) as address:
        yield page_settings(kafka=address)


@pytest.fixture
def history() -> MemoryHistory:
    return MemoryHistory()


@pytest.fixture
def lonely(history: MemoryHistory) -> Iterator[Running]:
    """A page whose broker is away."""
    web = Web(page_settings(kafka=f"127.0.0.1:{free_port()}"), StoppedClock(), history)
    with running_page(web) as page:
        yield page
