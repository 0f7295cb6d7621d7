"""The use of the broker by commands that end: read a topic to its end, write and wait.

An unreachable broker ends the command with one line and status 1: its user is there to read it.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import click
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from cli.options import process_settings
from models.json_object import JsonObject
from runtime.settings import Settings
from streams.kafka import kafka_options, started_producer, stop_consumer
from streams.partition import partition_of
from streams.topics import LONGEST_STATE, declare

POLL_MS = 300
IN_FLIGHT = 1000


@contextlib.contextmanager
def broker_settings() -> Iterator[Settings]:
    """The settings for a command that needs the broker. An error of the broker ends it with one line and status 1."""
    with process_settings() as settings:
        library = logging.getLogger("aiokafka")
        level = library.level
        library.setLevel(logging.CRITICAL)  # the command reports an error once
        try:
            yield settings
        except KafkaConnectionError:
            raise click.ClickException(f"no broker answers at {settings.kafka} (ANBU_KAFKA)") from None
        except KafkaError as error:
            raise click.ClickException(f"the broker at {settings.kafka} reports {error!r}") from None
        finally:
            library.setLevel(level)


class SubjectRecord(NamedTuple):
    """A record about a subject, to be published."""

    topic: str
    subject: int
    value: JsonObject


async def publish(messages: Iterable[SubjectRecord], settings: Settings) -> None:
    """Write each into the lane of its subject; returns when all are acknowledged. Raises KafkaError, SettingsError."""
    await write((Writable(one.topic, partition_of(one.subject, settings.partitions), b"%d" % one.subject,
                          orjson.dumps(one.value)) for one in messages), settings)


class Writable(NamedTuple):
    """A record as it is written."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


async def write(writables: Iterable[Writable], settings: Settings) -> None:
    """Write in order, many in flight; returns when all are acknowledged. Raises KafkaError, SettingsError."""
    async with sending(settings) as sender:
        rest = iter(writables)
        while some := list(islice(rest, IN_FLIGHT)):
            acknowledgements = [await sender.send(one.topic, one.value, key=one.key, partition=one.partition,
                                                   headers=list(one.headers))
                                for one in some]
            await asyncio.gather(*acknowledgements)


@contextlib.asynccontextmanager
async def sending(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer, after the topics are declared. Raises KafkaError if the broker is away, and SettingsError."""
    async with started_producer(settings, max_request_size=LONGEST_STATE) as sender:
        await declare(settings)
        yield sender


class Polled(NamedTuple):
    """reached_end: these records complete the content that the topic had at the start of the read."""

    records: list[ConsumerRecord]
    reached_end: bool


async def records(topic: str, settings: Settings, *, follow: bool = False, partition: int | None = None,
                  ) -> AsyncIterator[Polled]:
    """The records of a topic, up to its present end, or for ever. partition: None means all partitions.

    Raises KafkaError if the broker is away, and SettingsError.
    """
    consumer = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        await declare(settings)
        places = [TopicPartition(topic, number) for number in range(settings.partitions) if partition in (None, number)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        reached_end = not any(ends.values())
        while follow or not reached_end:
            polled = await consumer.getmany(*places, timeout_ms=POLL_MS)
            reached_end = all([await consumer.position(place) >= ends[place] for place in places])
            yield Polled([record for one in polled.values() for record in one], reached_end)
    finally:
        await stop_consumer(consumer)
