"""The topics: their names, how long they keep what, and that all have the same number of partitions.

They are declared at start-up; a topic that exists with another number of partitions is refused, since a lane is
partition n of all of them.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from runtime.settings import Settings, SettingsError
from runtime.tasks import wait_s
from streams.kafka import administration

log = logging.getLogger(__name__)

SMS, REGISTRY, COMMANDS = "sms", "registry", "commands"
ALERTS, REPORTS, QUARANTINE = "alerts", "reports", "quarantine"
INPUTS: Final = (SMS, REGISTRY, COMMANDS)
LONGEST_STATE: Final = 16 << 20  # octets; of an outage a lane keeps who is silent, nine octets each
_DAY_MS: Final = 86_400_000
_LOOKS: Final = 20


class Topic(NamedTuple):
    name: str
    config: dict[str, str]


def changelog(settings: Settings) -> str:
    return f"{settings.app_id}-people-changelog"


def topics(settings: Settings) -> list[Topic]:
    def kept(days: int) -> dict[str, str]:
        return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}

    # The least lag keeps the cleaner from removing what an unfinished batch is about: a state, for the sake of a newer
    # one whose `done` never came; a profile that is folded once more. The most, after which the cleaner has to come,
    # is for who was erased. Who was away finds their tombstones for as long as `sms` is there.
    compacted = {"cleanup.policy": "compact", "min.compaction.lag.ms": str(_DAY_MS),
                 "max.compaction.lag.ms": str(30 * _DAY_MS), "delete.retention.ms": str(7 * _DAY_MS)}
    return [
        Topic(SMS, kept(7)),
        Topic(REGISTRY, compacted),
        Topic(COMMANDS, kept(30)),
        Topic(ALERTS, kept(30)),
        Topic(REPORTS, kept(30)),
        Topic(QUARANTINE, kept(30)),
        Topic(changelog(settings), {**compacted, "max.message.bytes": str(LONGEST_STATE)}),
    ]


async def declare(settings: Settings) -> None:
    """Create what is missing; wait for a broker that is away, and say so. Raises SettingsError on other partitions."""
    for attempt in range(1_000_000):
        try:
            await _declare(settings)
        except KafkaError as error:
            if not error.retriable:
                raise
            wait = wait_s(attempt)
            log.warning("no broker at %s (ANBU_KAFKA) that answers: %s; trying again in %g s", settings.kafka,
                        type(error).__name__, wait)
            await asyncio.sleep(wait)
        else:
            return


def check_partitions(found: Mapping[str, int], settings: Settings) -> None:
    """found: how many a topic has, by name. Raises SettingsError where one has another number than is set."""
    for name, partitions in found.items():
        if partitions != settings.partitions:
            raise SettingsError(f"ANBU_PARTITIONS is {settings.partitions}, but topic {name} has {partitions}; "
                                f"partitions cannot be changed under a running system: set it to {partitions}")


async def create(admin: AIOKafkaAdminClient, settings: Settings, topic: Topic) -> bool:
    """Create a topic; False where it is there already. Raises KafkaError, SettingsError."""
    new = NewTopic(topic.name, settings.partitions, settings.replication, topic_configs=topic.config)
    (_, code, *_), = (await admin.create_topics([new])).topic_errors
    if for_code(code).retriable:  # a cluster that is just choosing who is in charge
        raise for_code(code)(topic.name)
    if code not in (0, TopicAlreadyExistsError.errno):
        raise SettingsError(f"topic {topic.name} cannot be created: error {code} of the broker; see ANBU_REPLICATION "
                            f"and the broker's log")
    return bool(code == 0)


async def _declare(settings: Settings) -> None:
    wanted = topics(settings)
    async with administration(settings) as admin:
        for attempt in range(_LOOKS):
            there = set(await admin.list_topics())  # first: a broker may make a topic that it is asked about
            for topic in wanted:
                if topic.name not in there:
                    await create(admin, settings, topic)
            found = {one["topic"]: len(one["partitions"]) for one in
                     await admin.describe_topics([topic.name for topic in wanted])}
            if all(found.get(topic.name) for topic in wanted):
                break
            await asyncio.sleep(0.05 * attempt)  # a broker lists a topic some time after it was made, or removed
        else:
            raise UnknownTopicOrPartitionError(", ".join(topic.name for topic in wanted if not found.get(topic.name)))
    check_partitions(found, settings)
