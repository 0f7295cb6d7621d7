"""All topics are there once they are declared, also where a broker's list is older than what it has."""

from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from local.kafka import LocalKafka
from runtime.settings import Settings
from streams.kafka import administration
from streams.topics import declare, topics


async def test_a_topic_that_was_just_removed_is_created_again(kafka: LocalKafka,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """The first list still has all of it."""
    settings = replace(Settings.from_env({}), kafka=kafka.address)
    names, truly = {topic.name for topic in topics(settings)}, AIOKafkaAdminClient.list_topics
    lists = iter([[*names]])

    async def lagging(self: AIOKafkaAdminClient) -> list[str]:
        return next(lists, None) or await truly(self)

    monkeypatch.setattr(AIOKafkaAdminClient, "list_topics", lagging)
    await declare(settings)
    async with administration(settings) as admin:
        assert names <= {*await admin.list_topics()}
