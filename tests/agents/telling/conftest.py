"""A database with the collections of `notify`, and two channels, `team` by Slack and `duty` by an SMS provider."""

from collections.abc import AsyncIterator, Iterator

import pytest
from support.database import database_server, database_url
from support.endpoint import Endpoint
from support.notifier import routes_to

from notifiers.routes_file import LoadedRoutes
from stores.deliveries import Deliveries
from stores.mongo import Store
from stores.projection.collections import BY_NAME, DELIVERIES, THREADS
from stores.retention import DEFAULT_DAYS
from stores.structure import Structure

__all__ = ["database_server", "database_url"]


@pytest.fixture
def slack() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


@pytest.fixture
def duty() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """With the collections that `notify` writes, and no others: to prepare all takes longer than most tests here."""
    one = Store(database_url)
    await Structure(one.database, DEFAULT_DAYS, [BY_NAME[DELIVERIES], BY_NAME[THREADS]]).prepare()
    yield one
    await one.database.client.drop_database(one.database.name)
    one.close()


@pytest.fixture
async def outbox(store: Store, database_url: str) -> AsyncIterator[Deliveries]:
    one = Deliveries(database_url)
    yield one
    one.close()


@pytest.fixture
def loaded(slack: Endpoint, duty: Endpoint) -> LoadedRoutes:
    return routes_to(slack, duty)
