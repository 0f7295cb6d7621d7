"""Accepted means durable: an SMS is answered 202 only after the broker has acknowledged it.

An SMS that is not acknowledged within 10 seconds is refused. The publisher knows the SMS in flight, so a tick never
claims more SMS than lie in front of it.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from typing import Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from gateway.sms import InboundSms, Refused
from models.errors import Rejected
from models.json_object import JsonObject
from models.times import format_time
from models.wire.frame import find_frame, read_header
from runtime.clock import Clock
from runtime.settings import Settings
from streams.partition import partition_of_key
from streams.topics import SMS

ANSWER_S: Final = 10.0


def subject_of(sms: InboundSms) -> int | None:
    """Return the subject number from the clear header of the first frame; None: the SMS has no frame."""
    frame = find_frame(sms.text, sms.binary)
    return None if isinstance(frame, Rejected) else read_header(frame).subject


def key_of(sms: InboundSms) -> bytes | None:
    """Return the key of the record: the subject number; without a frame the sender, or None."""
    subject = subject_of(sms)
    if subject is None:
        return sms.sender.encode() if sms.sender else None
    return b"%d" % subject


class Publisher:
    """Writes SMS and ticks, and knows the SMS in flight.

    producer: None while the broker is away, or after the producer failed.
    quiet_since: this instance has accepted no frame after that time, epoch seconds: its start, or its latest frame.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.producer: AIOKafkaProducer | None = None
        self._settings, self._clock = settings, clock
        self._in_flight: dict[int, float] = {}
        self._arrived = 0
        self._promised = 0.0
        self.quiet_since = math.ceil(clock.now())

    @property
    def in_hand(self) -> int:
        return len(self._in_flight)

    def oldest(self) -> float | None:
        """Return the arrival of the oldest SMS that has no answer yet, epoch seconds; None if there is none."""
        return min(self._in_flight.values(), default=None)

    @contextlib.asynccontextmanager
    async def arrival(self) -> AsyncIterator[float]:
        """Note the arrival of an SMS, and yield its time. Until the answer no tick of this instance passes this time.

        The block has 10 s, so a tick at (now - 10 s) is true for other instances. After 10 s it raises Refused(503).
        """
        self._arrived += 1
        # Even if the clock was set back, an SMS must not have a time before a written tick.
        number, at = self._arrived, max(self._clock.now(), self._promised)
        self._in_flight[number] = at
        try:
            async with asyncio.timeout(ANSWER_S):
                yield at
        except TimeoutError:
            raise Refused(503, f"the SMS was not accepted within {ANSWER_S:g} s; send it again") from None
        finally:
            del self._in_flight[number]

    async def accept(self, sms: InboundSms, received_at: float) -> None:
        """Write an SMS. Returns when it is durable. Raises Refused(503) if the broker is away."""
        producer = self.producer
        if producer is None:
            raise Refused(503, "the broker is away; send the SMS again")
        key = key_of(sms)
        partition = 0 if key is None else partition_of_key(key, self._settings.partitions)
        document: JsonObject = {
            "type": "sms", "gateway": self._settings.gateway_name, "id": sms.id, "sender": sms.sender,
            "recipient": sms.recipient, "text": sms.text, "binary": sms.binary,
            "received_at": format_time(int(received_at))}
        try:
            if subject_of(sms) is not None:  # before it is accepted: a tick must not say that no frame came
                self.quiet_since = max(self.quiet_since, math.ceil(received_at))
            await producer.send_and_wait(SMS, orjson.dumps(document), key=key, partition=partition)
        except (KafkaError, asyncio.CancelledError) as error:  # cancelled: the 10 s are over
            if self.producer is producer:
                self.producer = None
            if isinstance(error, KafkaError):
                raise Refused(503, "the broker did not accept the SMS; send it again") from None
            raise

    async def tick(self, producer: AIOKafkaProducer, at: int) -> None:
        """Write a tick into every partition. Returns when all are acknowledged.

        Raises KafkaError, or TimeoutError after 10 s.
        at: a true time (see ticks.py), epoch seconds.
        """
        self._promised = float(at)
        value = orjson.dumps({"type": "tick", "source": "gateway", "gateway": self._settings.gateway_name,
                              "at": format_time(at), "quiet_since": format_time(self.quiet_since)})
        async with asyncio.timeout(ANSWER_S):
            await asyncio.gather(*(producer.send_and_wait(SMS, value, partition=partition)
                                   for partition in range(self._settings.partitions)))
