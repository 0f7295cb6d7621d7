"""The tick at T in a partition says: all SMS that this gateway accepted before T are in front of it.

An SMS is answered or refused within 10 s of its arrival. So a tick at (now - 10 s) is true for all instances of a
gateway without coordination. A single instance may use the arrival of its oldest SMS in flight instead.
"""

import asyncio
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from gateway.publisher import ANSWER_S, Publisher
from runtime.clock import Clock
from runtime.settings import Settings

LOOK_AGAIN_S: Final = 0.001  # with a virtual clock, which its owner moves at any time


def true_time(now: float, oldest: float | None, *, alone: bool) -> int:
    """Return the latest true tick, in whole seconds. oldest: the arrival of the oldest SMS in flight here."""
    latest = now if alone else now - ANSWER_S
    return int(latest if oldest is None else min(latest, oldest))


class Ticks:
    """Writes the ticks.

    ticked: the last tick that all partitions have acknowledged, epoch seconds; None before the first.
    """

    def __init__(self, publisher: Publisher, settings: Settings, clock: Clock) -> None:
        self._publisher, self._settings, self._clock = publisher, settings, clock
        self.ticked: int | None = None

    async def run(self, producer: AIOKafkaProducer) -> None:
        """Tick until this producer fails, with a tick or an SMS. Raises KafkaError, TimeoutError."""
        while self._publisher.producer is producer:
            at = true_time(self._clock.now(), self._publisher.oldest(), alone=self._settings.gateway_alone)
            if self.ticked is None or at >= self.ticked + self._settings.tick_s:
                await self._publisher.tick(producer, at)
                self.ticked = at
            await asyncio.sleep(LOOK_AGAIN_S if self._clock.virtual else min(1.0, self._settings.tick_s / 5))
        raise KafkaConnectionError("an SMS was not acknowledged")
