"""Everything here needs Apache Kafka, and says so where it is not there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.database import database_server, database_url, store

from streams.local_kafka import LocalKafka

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
