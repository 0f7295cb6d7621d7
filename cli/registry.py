"""What commands read of topic `registry`: the newest profile of a subject, and the keys in it."""

from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from models.errors import ContractError
from models.keys import unwrap
from models.profile import Device, parse_profile
from streams.kafka import kafka_options, stop_consumer
from streams.partition import partition_of
from streams.settings import Settings
from streams.topics import REGISTRY


async def read_profile(subject: int, found: Settings) -> dict[str, Any] | None:
    """The newest registry record of a subject, or None where there is none."""
    consumer = AIOKafkaConsumer(**kafka_options(found), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        place = TopicPartition(REGISTRY, partition_of(subject, found.partitions))
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        await consumer.seek_to_beginning(place)
        newest: dict[str, Any] | None = None
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=500)).get(place, []):
                newest = _of(record, subject, newest)
    finally:
        await stop_consumer(consumer)
    return newest


def _of(record: Any, subject: int, newest: dict[str, Any] | None) -> dict[str, Any] | None:
    if record.value is None:
        return None if record.key == b"%d" % subject else newest
    try:
        profile = orjson.loads(record.value)
        return profile if parse_profile(profile).subject == subject else newest
    except (orjson.JSONDecodeError, ContractError):
        return newest


def device_key(device: Device, subject: int, keks: dict[str, bytes]) -> bytes | None:
    """The device key, or None where the key-encryption key is missing or wrong."""
    kek = keks.get(device.kek)
    return None if kek is None else unwrap(kek, device.key, subject, device.slot, device.epoch)
