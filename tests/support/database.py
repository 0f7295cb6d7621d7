"""The database of tests: the embedded one as a child process, or a real MongoDB where ANBU_TEST_MONGODB_URL names one.

Each test has a database of its own name, which is dropped afterwards.
"""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from stores.embedded import embedded_database_command
from stores.mongo import Store
from streams.embedded import ChildService, free_port


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A URL without a database's name, that ends with a slash."""
    given = os.environ.get("ANBU_TEST_MONGODB_URL")
    if given:
        yield urlunsplit(urlsplit(given)._replace(path="/"))
        return
    folder: Path = tmp_path_factory.mktemp("database")
    port = free_port()
    with ChildService(embedded_database_command(folder / "data", port), port, folder / "database.log") as service:
        yield f"mongodb://{service.address}/"


@pytest.fixture
def database_url(database_server: str) -> str:
    """A database that nobody else uses. Settings: ANBU_MONGODB."""
    parts = urlsplit(database_server)
    return urlunsplit(parts._replace(path=f"/test_{uuid.uuid4().hex[:12]}"))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A prepared store."""
    one = Store(database_url)
    await one.prepare()
    yield one
    await one.database.client.drop_database(one.database.name)
    one.close()
