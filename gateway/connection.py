"""If the broker does not acknowledge a tick or an SMS, the gateway gives the producer up and makes a new one.

aiokafka's idempotent producer never recovers from some failures (its `_fail_all`), and resends without end after
others: an SMS that was refused meanwhile would come back. A new producer begins clean.
"""

import asyncio
import contextlib
import logging
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from gateway.publisher import Publisher
from gateway.ticks import Ticks
from runtime.settings import Settings
from streams.kafka import producer
from streams.topics import declare

log = logging.getLogger(__name__)

REQUEST_MS: Final = 8_000  # less than the 10 s in which an SMS is answered
_LET_GO_S: Final = 2.0
_AGAIN_S: Final = 0.5


async def hold(settings: Settings, publisher: Publisher, ticks: Ticks) -> None:
    """Give the publisher a producer while the broker is there, and tick. Runs until cancelled.

    Raises SettingsError if the topics have another number of partitions.
    """
    while True:
        try:
            await declare(settings)
            await _tick_with_a_producer(settings, publisher, ticks)
        except (KafkaError, TimeoutError) as error:
            log.warning("the broker at %s does not acknowledge (%r); retrying", settings.kafka, error)
            await asyncio.sleep(_AGAIN_S)


async def _tick_with_a_producer(settings: Settings, publisher: Publisher, ticks: Ticks) -> None:
    sender = producer(settings, request_timeout_ms=REQUEST_MS)
    try:
        await sender.start()
        publisher.producer = sender
        await ticks.run(sender)
    finally:
        publisher.producer = None
        await _let_go(sender)


async def _let_go(sender: AIOKafkaProducer) -> None:
    """Stop a producer, even if it waits for a broker that is away. SMS without an answer are refused."""
    with contextlib.suppress(KafkaError, TimeoutError):
        await asyncio.wait_for(sender.stop(), _LET_GO_S)
        return
    sender._sender.sender_task.cancel()  # stop() would wait for records that it cannot send
    await sender.client.close()
