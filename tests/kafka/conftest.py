"""Everything here needs Apache Kafka, and says so where it is not there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.local_kafka import LocalKafka


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
