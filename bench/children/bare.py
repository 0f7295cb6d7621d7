"""The least that one could write: a bare aiokafka loop that calls the core's `receive` and `step`.

    python -m bench.children.bare COUNT

It keeps people in a dictionary, writes nothing and survives nothing. Time runs from the first poll of `sms` that brings
something to the last record.
"""

import asyncio
import gc
import os
import sys
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.children.answer import answer
from models.effects import CheckedIn, Result
from models.errors import Rejected
from models.events import Arrived, Registered
from models.frame import find_frame, read_header
from models.inputs import Tick
from models.keys import KeyRing
from models.person import Person
from models.receive import receive
from models.records import parse_object, read_sms
from models.registry import parse_profile
from models.step import step
from streams.kafka import kafka_options
from streams.keks import key_ring
from streams.settings import Settings


class Bare:
    """awake: how many windows came out so."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self.people: dict[int, Person] = {}
        self.awake = 0

    def register(self, value: bytes) -> None:
        profile = parse_profile(parse_object(value))
        since = profile.schedule.since
        self.people[profile.subject], _ = step(None, Registered(profile, since, since))

    def arrive(self, value: bytes) -> None:
        sms = read_sms(value)
        assert not isinstance(sms, Tick)  # noqa: S101 - none is sent
        frame = find_frame(sms.text, sms.binary)
        if isinstance(frame, Rejected):
            return
        header = read_header(frame)
        person = self.people.get(header.subject)
        received = receive(header, frame, person, self._keys)
        if isinstance(received, Rejected):
            return
        event = Arrived(received, sms.received_at, sms.id, sms.gateway, None)
        self.people[header.subject], effects = step(person, event)
        self.awake += sum(isinstance(effect, CheckedIn) and effect.result is Result.AWAKE for effect in effects)


gc.set_threshold(50_000, 20, 100)  # as in `streams.app`, so that the garbage collector makes no difference


async def main(count: int) -> None:
    settings = Settings.from_env(os.environ)
    bare = Bare(key_ring(settings))
    consumer = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    places = [TopicPartition("registry", number) for number in range(settings.partitions)]
    consumer.assign(places)
    people, ends = 0, sum((await consumer.end_offsets(places)).values())
    while people < ends:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=5000)).values():
            for record in records:
                bare.register(record.value)
            people += len(records)
    consumer.assign([TopicPartition("sms", number) for number in range(settings.partitions)])
    seen, began, cpu = 0, 0.0, 0.0
    while seen < count:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=5000)).values():
            began, cpu = began or time.monotonic(), cpu or time.process_time()
            for record in records:
                bare.arrive(record.value)
            seen += len(records)
    answer(seconds=time.monotonic() - began, cpu_s=time.process_time() - cpu, people=len(bare.people), awake=bare.awake)
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
