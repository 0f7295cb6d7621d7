"""The button that asks a person's device. Only a page that has the key-encryption keys shows it (ANBU_KEK_FILE).

The wrapped key and the number of the device are in the topic `registry` alone, never in the database. So each press of
the button reads the person's partition of that topic.
"""

import asyncio
import contextlib
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from models.ask_by_hand import AskRefusal, NotAskableError, ask_by_hand
from models.contract.asks import Ask
from models.contract.outputs import write_ask
from models.contract.records import parse_object
from models.contract.registry import parse_profile
from models.errors import ContractError
from models.profile import Profile
from runtime.keks import key_ring
from runtime.settings import Settings
from streams.kafka import kafka_options, stop_consumer
from streams.partition import partition_of
from streams.topics import REGISTRY
from web.commands import Commands, NotSentError

PATIENCE_S: Final = 15.0
POLL_MS: Final = 300


class DeviceQuestions:
    """Questions to devices, by hand. Raises SettingsError if the key-encryption keys are set and wrong."""

    def __init__(self, settings: Settings, commands: Commands) -> None:
        self._settings, self._commands = settings, commands
        has_keys = settings.kek_file is not None or settings.kek is not None
        self._keys = key_ring(settings) if has_keys else None

    @property
    def possible(self) -> bool:
        return self._keys is not None

    async def ask(self, subject: int, now: int) -> Ask:
        """Send the question; returns once the broker has it. Raises NotAskableError, NotSentError."""
        if self._keys is None:
            raise NotAskableError(AskRefusal.NO_KEY)
        try:
            profile = await asyncio.wait_for(self._profile(subject), PATIENCE_S)
        except (KafkaError, OSError, TimeoutError) as error:
            raise NotSentError(str(error)) from error
        if profile is None:
            raise NotAskableError(AskRefusal.NO_DEVICE)
        question = ask_by_hand(profile, self._keys, now)
        await self._commands.publish(write_ask(question), partition_of(subject, self._settings.partitions))
        return question

    async def _profile(self, subject: int) -> Profile | None:
        """The newest good registry record of a person; None: there is none."""
        place = TopicPartition(REGISTRY, partition_of(subject, self._settings.partitions))
        key, found = b"%d" % subject, None
        consumer = AIOKafkaConsumer(**kafka_options(self._settings), enable_auto_commit=False,
                                    auto_offset_reset="earliest")
        try:
            await consumer.start()
            consumer.assign([place])
            [end] = (await consumer.end_offsets([place])).values()
            await consumer.seek_to_beginning(place)
            while await consumer.position(place) < end:
                for record in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, ()):
                    if record.key == key:
                        found = _taken(found, record.value)
        finally:
            await stop_consumer(consumer)
        return found


def _taken(before: Profile | None, value: bytes | None) -> Profile | None:
    """As in the judgement: a tombstone ends a profile, and a malformed record leaves it in force."""
    if value is None:
        return None
    with contextlib.suppress(ContractError):
        return parse_profile(parse_object(value))
    return before
