"""The tick at T in a partition says: all SMS that this gateway accepted before T are in front of it.

An SMS is answered or refused within 10 s of its arrival, so a tick at (now - 10 s) holds for all instances of a gateway
without coordination; an instance that is alone may use its oldest SMS in flight instead.
"""

import asyncio
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from gateway.publisher import ANSWER_S, Publisher
from runtime.clock import Clock
from runtime.settings import Settings

LOOK_AGAIN_S: Final = 0.001  # at a virtual clock, which moves when its owner likes


def true_time(now: float, oldest: float | None, *, alone: bool) -> int:
    """The latest tick that is true now, in whole seconds. oldest: arrival of the oldest SMS in flight here."""
    latest = now if alone else now - ANSWER_S
    return int(latest if oldest is None else min(latest, oldest))


class Ticks:
    """ticked: the last tick that all partitions have acknowledged, epoch seconds."""

    def __init__(self, publisher: Publisher, settings: Settings, clock: Clock) -> None:
        self._publisher, self._settings, self._clock = publisher, settings, clock
        self.ticked: int | None = None

    async def run(self, producer: AIOKafkaProducer) -> None:
        """Tick until this producer fails, at a tick or at an SMS. Raises KafkaError, TimeoutError."""
        while self._publisher.producer is producer:
            at = true_time(self._clock.now(), self._publisher.oldest(), alone=self._settings.gateway_alone)
            if self.ticked is None or at >= self.ticked + self._settings.tick_s:
                await self._publisher.tick(producer, at)
                self.ticked = at
            await asyncio.sleep(LOOK_AGAIN_S if self._clock.virtual else min(1.0, self._settings.tick_s / 5))
        raise KafkaConnectionError("an SMS was not acknowledged")
