"""All topics have the same number of partitions, since lane n is partition n of all of them.

This module has the topics' names and how long each topic keeps its records. Start-up declares the topics, and refuses a
topic that exists with another number of partitions.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from models.contract.topics import INPUTS, OUTPUTS
from models.times import DAY
from runtime.settings import Settings, SettingsError
from runtime.tasks import wait_s
from streams.kafka import administration

log = logging.getLogger(__name__)

SMS, REGISTRY, COMMANDS = INPUTS
ALERTS, REPORTS, QUARANTINE, ASKS = OUTPUTS
LONGEST_STATE: Final = 16 << 20  # octets; in an outage a lane keeps all silent people, nine octets each
_DAY_MS: Final = DAY * 1000
_LOOKS: Final = 20


class Topic(NamedTuple):
    name: str
    config: dict[str, str]


def changelog(settings: Settings) -> str:
    return f"{settings.app_id}-people-changelog"


def topics(settings: Settings) -> list[Topic]:
    def kept(days: int) -> dict[str, str]:
        return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}

    # The minimum lag protects what an unfinished batch needs from the cleaner: a state whose newer version never got
    # its `done`, and a profile that is folded again. After the maximum lag the cleaner has to come, for the sake of
    # erased people. A reader that was away finds their tombstones for as long as `sms` keeps its records.
    compacted = {"cleanup.policy": "compact", "min.compaction.lag.ms": str(_DAY_MS),
                 "max.compaction.lag.ms": str(30 * _DAY_MS), "delete.retention.ms": str(7 * _DAY_MS)}
    return [
        Topic(SMS, kept(7)),
        Topic(REGISTRY, compacted),
        Topic(COMMANDS, kept(30)),
        Topic(ALERTS, kept(30)),
        Topic(REPORTS, kept(30)),
        Topic(QUARANTINE, kept(30)),
        Topic(ASKS, kept(1)),
        Topic(changelog(settings), {**compacted, "max.message.bytes": str(LONGEST_STATE)}),
    ]


async def declare(settings: Settings) -> None:
    """Create the missing topics. While the broker is away, log that and wait.

    Raises SettingsError if a topic has another number of partitions.
    """
    for attempt in range(1_000_000):
        try:
            await _declare(settings)
        except KafkaError as error:
            if not error.retriable:
                raise
            wait = wait_s(attempt)
            log.warning("no broker answers at %s (ANBU_KAFKA): %s; retrying in %g s", settings.kafka,
                        type(error).__name__, wait)
            await asyncio.sleep(wait)
        else:
            return


def check_partitions(found: Mapping[str, int], settings: Settings) -> None:
    """Raises SettingsError if a topic has another number of partitions than the settings.

    found: the number of partitions, by name of the topic.
    """
    for name, partitions in found.items():
        if partitions != settings.partitions:
            raise SettingsError(f"ANBU_PARTITIONS is {settings.partitions}, but topic {name} has {partitions}; "
                                f"partitions cannot be changed under a running system: set it to {partitions}")


async def create(admin: AIOKafkaAdminClient, settings: Settings, topic: Topic) -> bool:
    """Create a topic. Returns False if the topic exists already. Raises KafkaError, SettingsError."""
    new = NewTopic(topic.name, settings.partitions, settings.replication, topic_configs=topic.config)
    (_, code, *_), = (await admin.create_topics([new])).topic_errors
    if for_code(code).retriable:  # such as a cluster that is choosing its leader
        raise for_code(code)(topic.name)
    if code not in (0, TopicAlreadyExistsError.errno):
        raise SettingsError(f"topic {topic.name} cannot be created: error {code} of the broker; see ANBU_REPLICATION "
                            f"and the broker's log")
    return bool(code == 0)


async def _declare(settings: Settings) -> None:
    wanted = topics(settings)
    async with administration(settings) as admin:
        for attempt in range(_LOOKS):
            there = set(await admin.list_topics())  # first: a broker may create a topic when asked about it
            for topic in wanted:
                if topic.name not in there:
                    await create(admin, settings, topic)
            found = {one["topic"]: len(one["partitions"]) for one in
                     await admin.describe_topics([topic.name for topic in wanted])}
            if all(found.get(topic.name) for topic in wanted):
                break
            await asyncio.sleep(0.05 * attempt)  # a broker's list lags after it creates or removes a topic
        else:
            raise UnknownTopicOrPartitionError(", ".join(topic.name for topic in wanted if not found.get(topic.name)))
    check_partitions(found, settings)
