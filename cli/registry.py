"""The topic `registry` for commands: the newest profile of a subject, and its keys."""

import contextlib
from collections import defaultdict

import click
from aiokafka import ConsumerRecord

from cli.broker import records
from models.contract.records import parse_object, subject_of_key
from models.contract.registry import parse_profile
from models.errors import ContractError
from models.json_object import JsonObject
from models.profile import RegisteredDevice
from models.wire.keys import unwrap
from runtime.settings import Settings
from streams.partition import partition_of
from streams.topics import REGISTRY


async def read_profile(subject: int, settings: Settings) -> JsonObject | None:
    """The newest good registry record of a subject, or None. Raises KafkaError."""
    profiles: dict[int, JsonObject] = {}
    async for polled in records(REGISTRY, settings, partition=partition_of(subject, settings.partitions)):
        for record in polled.records:
            _take(record, profiles)
    return profiles.get(subject)


async def known_profile(subject: int, settings: Settings) -> JsonObject:
    """As `read_profile`, for a command that needs a profile. Raises ClickException, KafkaError."""
    profile = await read_profile(subject, settings)
    if profile is None:
        raise click.ClickException(f"no person has the number {subject} in topic registry")
    return profile


async def read_profiles(settings: Settings) -> dict[int, JsonObject]:
    """The newest good registry record of each person, by subject. Raises KafkaError.

    Only the person's own partition counts. `watch` forwards a record from another partition to it, and the original
    stays there, whatever happens to the person later.
    """
    of_partition: defaultdict[int, dict[int, JsonObject]] = defaultdict(dict)
    async for polled in records(REGISTRY, settings):
        for record in polled.records:
            _take(record, of_partition[record.partition])
    return {subject: profile for partition, profiles in of_partition.items() for subject, profile in profiles.items()
            if partition_of(subject, settings.partitions) == partition}


def _take(record: ConsumerRecord, profiles: dict[int, JsonObject]) -> None:
    """Follows the judgement: a tombstone ends a profile, a record that breaks the contract changes nothing."""
    with contextlib.suppress(ContractError):
        if record.value is None:
            profiles.pop(subject_of_key(record.key), None)
        else:
            document = parse_object(record.value)
            profiles[parse_profile(document).subject] = document


def device_key(device: RegisteredDevice, subject: int, keks: dict[str, bytes]) -> bytes | None:
    """The device key, or None if the key-encryption key is missing or wrong."""
    kek = keks.get(device.kek)
    return None if kek is None else unwrap(kek, device.key, subject, device.slot, device.epoch)
