"""The database of tests: the embedded one as a child process, a real MongoDB likewise where ANBU_TEST_DATABASE=mongodb
(`make test-mongodb`), or one that runs already where ANBU_TEST_MONGODB_URL names it. With ANBU_TEST_DATABASE=mongomock
(`make test-mongomock`) it is mongomock, in this process; tests/stores run on that beside the embedded one.

Each test has a database of its own name, which is dropped afterwards.
"""

import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import pytest

from local.embedded import ChildService, free_port
from local.mongodb import initiate, mongod_command
from stores.embedded import embedded_database_command
from stores.mongo import Store
from support.history import NOW
from support.mongomock import marks_of, mongomock_server

LOCAL_MONGODB: Final = os.environ.get("ANBU_TEST_DATABASE") == "mongodb"
MONGOMOCK: Final = os.environ.get("ANBU_TEST_DATABASE") == "mongomock"
ON_MONGODB: Final = LOCAL_MONGODB or (not MONGOMOCK and bool(os.environ.get("ANBU_TEST_MONGODB_URL")))


@contextlib.contextmanager
def new_database(folder: Path) -> Iterator[ChildService]:
    """A server with nothing in it, that may be killed and started again on what it has written into a folder."""
    port = free_port()
    command = (mongod_command if LOCAL_MONGODB else embedded_database_command)(folder / "data", port)
    with ChildService(command, port, folder / "database.log") as service:
        if LOCAL_MONGODB:
            initiate(service.address)
        yield service


def choose_database(metafunc: pytest.Metafunc) -> None:
    """For a conftest's pytest_generate_tests: mark the tests that mongomock cannot pass, where they run on it."""
    if "database_server" not in metafunc.fixturenames or not MONGOMOCK:
        return
    mongomock = pytest.param("mongomock", marks=marks_of(metafunc.function.__name__))
    metafunc.parametrize("database_server", [mongomock], indirect=True, scope="session")


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A URL without a database's name, that ends with a slash."""
    if getattr(request, "param", None) == "mongomock":
        with mongomock_server() as url:
            yield url
        return
    given = os.environ.get("ANBU_TEST_MONGODB_URL")
    if given:
        yield urlunsplit(urlsplit(given)._replace(path="/"))
        return
    with new_database(tmp_path_factory.mktemp("database")) as service:
        yield f"mongodb://{service.address}/"


@pytest.fixture
def database_url(database_server: str) -> str:
    """A database that nobody else uses. Settings: ANBU_MONGODB."""
    parts = urlsplit(database_server)
    return urlunsplit(parts._replace(path=f"/test_{uuid.uuid4().hex[:12]}"))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A prepared store, which takes it to be the time of the records of tests: it writes nothing that is too old."""
    one = Store(database_url, now=lambda: NOW)
    await one.prepare()
    yield one
    await one.database.client.drop_database(one.database.name)
    one.close()
