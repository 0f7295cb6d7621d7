"""A broker that does in seconds what takes days: compaction, and the deletion of old records."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from local.kafka import LocalKafka
from runtime.settings import Settings
from streams.kafka import administration
from streams.topics import topics

# A segment that is written to is neither compacted nor deleted.
_COMPACT = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.0", "delete.retention.ms": "0",
            "min.compaction.lag.ms": "0", "max.compaction.lag.ms": "1000"}
_DELETE = {"segment.ms": "500", "retention.ms": "1000"}


@pytest.fixture
def cleaning_kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    """One node that looks every half a second for what can be compacted or is too old."""
    with LocalKafka(tmp_path, more={"log.cleaner.backoff.ms": "500", "log.retention.check.interval.ms": "500"}) as one:
        yield one


async def forget_at_once(settings: Settings, *names: str) -> None:
    """The settings of topics as they are, but for the times. names: of the topics; without any, of all."""
    async with administration(settings) as admin:
        for topic in topics(settings):
            if not names or topic.name in names:
                times = _COMPACT if "compact" in topic.config["cleanup.policy"] else _DELETE
                await admin.alter_configs([
                    ConfigResource(ConfigResourceType.TOPIC, topic.name, {**topic.config, **times})])
