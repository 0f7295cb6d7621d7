"""Only this module knows how our Kafka clients connect, and what a producer must promise."""

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
    """Arguments for each of our clients: the addresses of the brokers, and the security."""
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

    The embedded broker knows no idempotent producers. It wants one record a batch: after larger batches it reports a
    wrong end of the partition.
    """
    promise: dict[str, Any] = ({"acks": "all", "max_batch_size": 1} if settings.guarantee == "none"
                               else {"enable_idempotence": True})
    return AIOKafkaProducer(**{**kafka_options(settings), **promise, **options})


@contextlib.asynccontextmanager
async def started_producer(settings: Settings, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that stops when the block ends, for any reason. Raises KafkaError if the broker is away."""
    one = producer(settings, **options)
    try:
        await one.start()
        yield one
    finally:
        await one.stop()


@contextlib.asynccontextmanager
async def administration(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administration client of the broker. Raises KafkaError if the broker is away."""
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, also if aiokafka would wait for ever, or if the caller is cancelled.

    In aiokafka 0.14.0 a fetch routine may be cancelled while it cancels the fetches of a former assignment
    (fetcher.py, `_fetch_requests_routine`). The routine then goes on, and `stop` waits for it. The time-out cancels the
    routine a second time, and so ends it.
    """
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(consumer.stop(), STOP_S)
    finally:
        await consumer._client.close()
