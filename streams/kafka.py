"""One place that knows how our Kafka clients connect, and what a producer must promise."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from runtime.settings import Settings

STOP_S: Final = 2.0


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Arguments for every client of ours: where the brokers are, and how to talk to them."""
    options: dict[str, Any] = {"bootstrap_servers": settings.kafka.split(","),
                               "security_protocol": settings.kafka_security}
    if settings.kafka_security.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(cafile=settings.kafka_ca)
    if settings.kafka_security.startswith("SASL"):
        options |= {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": settings.kafka_user,
                    "sasl_plain_password": settings.kafka_password}
    return options


def producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """A producer whose acknowledgement means that all replicas have the record.

    The embedded broker knows no idempotent producers, and wants one record a batch (it tells the end of a partition
    wrongly after larger ones).
    """
    promise: dict[str, Any] = ({"acks": "all", "max_batch_size": 1} if settings.guarantee == "none"
                               else {"enable_idempotence": True})
    return AIOKafkaProducer(**{**kafka_options(settings), **promise, **options})


@contextlib.asynccontextmanager
async def started_producer(settings: Settings, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that lives as long as the block, whatever ends it. Raises KafkaError where the broker is away."""
    one = producer(settings, **options)
    try:
        await one.start()
        yield one
    finally:
        await one.stop()


@contextlib.asynccontextmanager
async def administration(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """The broker's administration. Raises KafkaError where the broker is away."""
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, also where aiokafka would wait for ever, or where nobody waits any more (cancelled).

    In 0.14.0 a fetch routine that is cancelled while it cancels the fetches of a former assignment goes on (fetcher.py,
    `_fetch_requests_routine`), and `stop` waits for it. The second cancellation, by the time-out, ends it.
    """
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(consumer.stop(), STOP_S)
    finally:
        await consumer._client.close()
