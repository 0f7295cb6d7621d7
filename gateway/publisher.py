"""Accepted means durable: an SMS is answered 202 only after the broker has acknowledged it, within 10 seconds or not.

The publisher knows what is in flight, so that a tick never claims more than what lies in front of it.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from gateway.sms import InboundSms, Refused
from models.errors import Rejected
from models.frame import find_frame, read_header
from models.times import format_time
from streams.clock import Clock
from streams.partition import partition_of_key
from streams.settings import Settings
from streams.topics import SMS

ANSWER_S: Final = 10.0
RETRY_AFTER_S: Final = 5


def key_of(sms: InboundSms) -> bytes | None:
    """The subject number from the clear header of the frame; without a frame the sender."""
    frame = find_frame(sms.text, sms.binary)
    if isinstance(frame, Rejected):
        return sms.sender.encode("utf-8", "replace") if sms.sender else None
    return b"%d" % read_header(frame).subject


class Publisher:
    """Writes SMS and ticks; counts what is in hand."""

    def __init__(self, producer: AIOKafkaProducer, settings: Settings, clock: Clock) -> None:
        self._producer, self._settings, self._clock = producer, settings, clock
        self._in_flight: dict[int, float] = {}
        self._next = 0
        self.reachable = True

    @property
    def in_hand(self) -> int:
        return len(self._in_flight)

    def oldest(self) -> float | None:
        """The arrival of the oldest SMS that has no answer yet."""
        return min(self._in_flight.values(), default=None)

    @contextlib.contextmanager
    def arrival(self) -> Iterator[float]:
        """An SMS has arrived; until its answer no tick passes its time. Gives the time of arrival."""
        self._next += 1
        number, at = self._next, self._clock.now()
        self._in_flight[number] = at
        try:
            yield at
        finally:
            del self._in_flight[number]

    async def accept(self, sms: InboundSms, received_at: float) -> None:
        """Returns when the SMS is durable. Raises Refused(503) where that is not so within 10 s: send it again."""
        key = key_of(sms)
        partition = 0 if key is None else partition_of_key(key, self._settings.partitions)
        document: dict[str, Any] = {
            "type": "sms", "gateway": self._settings.gateway_name, "id": sms.id, "sender": sms.sender,
            "recipient": sms.recipient, "text": sms.text, "binary": sms.binary,
            "received_at": format_time(int(received_at))}
        try:
            await asyncio.wait_for(
                self._producer.send_and_wait(SMS, orjson.dumps(document), key=key, partition=partition), ANSWER_S)
            self.reachable = True
        except (KafkaError, TimeoutError):
            self.reachable = False
            raise Refused(503, "the broker did not acknowledge in time; send it again") from None

    async def tick(self, at: int) -> None:
        """One tick into every partition; returns when all are acknowledged. Raises KafkaError, TimeoutError."""
        value = orjson.dumps({"type": "tick", "source": "gateway", "gateway": self._settings.gateway_name,
                              "at": format_time(at)})
        try:
            await asyncio.wait_for(asyncio.gather(
                *(self._producer.send_and_wait(SMS, value, partition=partition)
                  for partition in range(self._settings.partitions))), ANSWER_S)
            self.reachable = True
        except (KafkaError, TimeoutError):
            self.reachable = False
            raise
