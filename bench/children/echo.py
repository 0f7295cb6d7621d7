"""The smallest program that answers: it reads `sms` from its present end, and writes some records to another topic.

    python -m bench.children.echo TOPIC N

The program answers each record whose key is a multiple of N, as `watch` answers each SOS. It waits for nothing in
between.
"""

import asyncio
import os
import sys

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.children.answer import line
from runtime.settings import Settings
from streams.kafka import kafka_options, producer


async def main(topic: str, every: int) -> None:
    settings = Settings.from_env(os.environ)
    consumer = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False)
    sender = producer(settings)
    await consumer.start()
    await sender.start()
    consumer.assign([TopicPartition("sms", number) for number in range(settings.partitions)])
    await consumer.seek_to_end()
    for place in consumer.assignment():
        await consumer.position(place)
    line("open")
    while True:
        for place, records in (await consumer.getmany(timeout_ms=1000)).items():
            for record in records:
                if int(record.key) % every == 0:
                    await sender.send(topic, record.value, key=record.key, partition=place.partition)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
