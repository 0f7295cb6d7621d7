"""The smallest possible program: a bare aiokafka loop that calls the core's `receive` and `step`.

    python -m bench.children.bare COUNT [STATES]

The loop keeps people in a dictionary. Without STATES it writes nothing. With STATES it also encodes the outputs and
packs the states. It sends both in batches, the states to the topic STATES, and waits for the broker after each poll.
There is no plan, no fence and no `done`, so the loop survives no crash. Time runs from the first poll that brings an
SMS to the last.
"""

import asyncio
import gc
import os
import sys
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from bench.children.answer import answer
from bench.figures import WrongResultError
from bench.stage import BATCH_OCTETS
from models.contract.effects import CheckedIn, Effect, Result
from models.contract.inputs import Tick
from models.contract.outputs import encode
from models.contract.records import parse_object, read_sms
from models.contract.registry import parse_profile
from models.errors import Rejected
from models.judgement.codec import pack_person
from models.judgement.events import Arrived, Registered, Standing
from models.judgement.person import Person
from models.judgement.receive import receive
from models.judgement.step import step
from models.wire.frame import find_frame, read_header
from models.wire.keys import KeyRing
from runtime.keks import key_ring
from runtime.settings import Settings
from streams.kafka import kafka_options, producer


class Bare:
    """The people in memory.

    awake: the number of windows with the result awake.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self.people: dict[int, Person] = {}
        self.awake = 0

    def register(self, value: bytes) -> None:
        profile = parse_profile(parse_object(value))
        since = profile.schedule.since
        self.people[profile.subject], _ = step(None, Registered(profile, since, Standing(since)))

    def arrive(self, value: bytes) -> tuple[int, int, list[Effect]]:
        """(subject, time of arrival, effects) of a record of `sms`. Raises WrongResultError if it is refused."""
        sms = read_sms(value)
        frame = b"" if isinstance(sms, Tick) else find_frame(sms.text, sms.binary)
        if isinstance(sms, Tick) or isinstance(frame, Rejected):
            raise WrongResultError("no tick was sent, and no SMS without a frame")
        header = read_header(frame)
        person = self.people.get(header.subject)
        received = receive(header, frame, person, self._keys)
        if isinstance(received, Rejected):
            raise WrongResultError(f"refused: {received}")
        event = Arrived(received, sms.received_at, sms.id, sms.gateway)
        self.people[header.subject], effects = step(person, event)
        self.awake += sum(isinstance(effect, CheckedIn) and effect.result is Result.AWAKE for effect in effects)
        return header.subject, sms.received_at, effects


_Came = tuple[ConsumerRecord, int, int, list[Effect]]
"""(record, subject, time of arrival, effects)"""


class Says:
    """Writes the outputs and states of a poll's records of one partition.

    outputs: the number of outputs written.
    """

    def __init__(self, producer: AIOKafkaProducer, states: str) -> None:
        self._producer, self._states = producer, states
        self.outputs = 0

    async def write(self, bare: Bare, partition: int, came: list[_Came]) -> None:
        outputs = [encode(effect, record, at) for record, _, at, effects in came for effect in effects]
        self.outputs += len(outputs)
        rows = [(output.topic, output.key, output.value) for output in outputs]
        rows += [(self._states, b"%d" % subject, pack_person(bare.people[subject]))
                 for subject in dict.fromkeys(subject for _, subject, _, _ in came)]
        batches: dict[str, Any] = {}
        sent = []
        for topic, key, value in rows:
            batch = batches.get(topic)
            if batch is None or batch.append(key=key, value=value, timestamp=None) is None:
                if batch is not None:
                    sent.append(await self._producer.send_batch(batch, topic, partition=partition))
                batch = batches[topic] = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        sent += [await self._producer.send_batch(batch, topic, partition=partition) for topic, batch in batches.items()]
        await asyncio.gather(*sent)


gc.set_threshold(50_000, 20, 100)  # as in `streams.app`, so that the garbage collector makes no difference


async def main(count: int, states: str | None) -> None:
    settings = Settings.from_env(os.environ)
    bare = Bare(key_ring(settings))
    consumer = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    sender = producer(settings, max_batch_size=BATCH_OCTETS)
    says = None if states is None else Says(sender, states)
    await consumer.start()
    await sender.start()
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
        polled = await consumer.getmany(timeout_ms=1000, max_records=5000)
        if polled:
            began, cpu = began or time.monotonic(), cpu or time.process_time()
        writing = []
        for place, records in polled.items():
            came = [(record, *bare.arrive(record.value)) for record in records]
            if says is not None:
                writing.append(says.write(bare, place.partition, came))
            seen += len(records)
        await asyncio.gather(*writing)
    answer(seconds=time.monotonic() - began, cpu_s=time.process_time() - cpu, people=len(bare.people), awake=bare.awake,
           outputs=0 if says is None else says.outputs)
    await consumer.stop()
    await sender.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
