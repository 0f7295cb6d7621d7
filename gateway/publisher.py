"""Accepted means durable: an SMS is answered 202 only after the broker has acknowledged it, within 10 seconds or not.

The publisher knows what is in flight, so that a tick never claims more than what lies in front of it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from gateway.sms import InboundSms, Refused
from models.errors import Rejected
from models.times import format_time
from models.wire.frame import find_frame, read_header
from runtime.clock import Clock
from runtime.settings import Settings
from streams.partition import partition_of_key
from streams.topics import SMS

ANSWER_S: Final = 10.0


def key_of(sms: InboundSms) -> bytes | None:
    """The subject number from the clear header of the frame; without a frame the sender, if there is one."""
    frame = find_frame(sms.text, sms.binary)
    if isinstance(frame, Rejected):
        return sms.sender.encode() if sms.sender else None
    return b"%d" % read_header(frame).subject


class Publisher:
    """Writes SMS and ticks; knows what is in hand. producer: None while the broker is away, or once it failed."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.producer: AIOKafkaProducer | None = None
        self._settings, self._clock = settings, clock
        self._in_flight: dict[int, float] = {}
        self._arrived = 0
        self._promised = 0.0

    @property
    def in_hand(self) -> int:
        return len(self._in_flight)

    def oldest(self) -> float | None:
        """The arrival of the oldest SMS that has no answer yet."""
        return min(self._in_flight.values(), default=None)

    @contextlib.asynccontextmanager
    async def arrival(self) -> AsyncIterator[float]:
        """An SMS has arrived; until its answer no tick of ours passes its time. Gives the time of arrival.

        The block has 10 s, so that a tick at (now - 10 s) is true for other instances. Raises Refused(503) after them.
        """
        self._arrived += 1
        # A clock that was put back must not date an SMS before a tick that has been written.
        number, at = self._arrived, max(self._clock.now(), self._promised)
        self._in_flight[number] = at
        try:
            async with asyncio.timeout(ANSWER_S):
                yield at
        except TimeoutError:
            raise Refused(503, f"not accepted within {ANSWER_S:g} s; send it again") from None
        finally:
            del self._in_flight[number]

    async def accept(self, sms: InboundSms, received_at: float) -> None:
        """Returns when the SMS is durable. Raises Refused(503) where the broker is away: send it again."""
        producer = self.producer
        if producer is None:
            raise Refused(503, "the broker is away; send it again")
        key = key_of(sms)
        partition = 0 if key is None else partition_of_key(key, self._settings.partitions)
        document: dict[str, Any] = {
            "type": "sms", "gateway": self._settings.gateway_name, "id": sms.id, "sender": sms.sender,
            "recipient": sms.recipient, "text": sms.text, "binary": sms.binary,
            "received_at": format_time(int(received_at))}
        try:
            await producer.send_and_wait(SMS, orjson.dumps(document), key=key, partition=partition)
        except (KafkaError, asyncio.CancelledError) as error:  # cancelled: its 10 s are over
            if self.producer is producer:
                self.producer = None
            if isinstance(error, KafkaError):
                raise Refused(503, "the broker did not take it; send it again") from None
            raise

    async def tick(self, producer: AIOKafkaProducer, at: int) -> None:
        """One tick into every partition; returns when all are acknowledged. Raises KafkaError, TimeoutError after 10 s.

        at: true now (see ticks.py), epoch seconds.
        """
        self._promised = float(at)
        value = orjson.dumps({"type": "tick", "source": "gateway", "gateway": self._settings.gateway_name,
                              "at": format_time(at)})
        async with asyncio.timeout(ANSWER_S):
            await asyncio.gather(*(producer.send_and_wait(SMS, value, partition=partition)
                                   for partition in range(self._settings.partitions)))
