"""Everything here needs Apache Kafka, and says so where it is not there."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.database import database_server, database_url, store
from support.one_lane import Place

from local.kafka import LocalKafka
from streams.kafka import administration
from streams.topics import declare

__all__ = ["database_server", "database_url", "kafka", "store"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.kafka)


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    """One node, empty."""
    with LocalKafka(tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """One node for all tests of a file."""
    with LocalKafka(tmp_path_factory.mktemp("kafka")) as one:
        yield one


@pytest.fixture
async def place(broker: LocalKafka, tmp_path: Path) -> AsyncIterator[Place]:
    """A lane of its own for each test."""
    one = Place(tmp_path, broker)
    settings = one.worker().settings
    await declare(settings)
    yield one
    async with administration(settings) as admin:
        await admin.delete_topics([name for name in await admin.list_topics() if not name.startswith("__")])
