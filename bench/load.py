"""A steady load: so many reports a second, each with the moment at which it was sent, and what came of them.

A busy machine may send fewer. That is told, and what was measured then has no aims.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.figures import Figure
from bench.stage import Stage
from streams.kafka import started_producer
from streams.partition import partition_of
from streams.topics import SMS

STEP_S: Final = 0.002
REST_S: Final = 20.0  # how long the last answers may take
REACHED: Final = 0.95  # of the rate, with less it is another load


class Report(NamedTuple):
    """One to be sent. name: by which what comes of it is known again."""

    name: str
    subject: int
    value: bytes


class LoadSender:
    """sent: by name, the moment (`time.time`) at which a report was handed to the producer, its record's time stamp.
    rate: how many a second that were, in the end."""

    def __init__(self, producer: AIOKafkaProducer, partitions: int) -> None:
        self._producer, self._partitions = producer, partitions
        self.sent: dict[str, float] = {}
        self.rate = 0.0

    async def run(self, reports: Iterable[Report], rate: int, until: Callable[[], bool] = lambda: False) -> None:
        """Send at a rate, whatever the answers, until there are no more or `until` says so."""
        began, pending = time.monotonic(), []
        for count, report in enumerate(reports):
            while count >= (time.monotonic() - began) * rate:
                await asyncio.sleep(STEP_S)
            if until():
                break
            now = self.sent[report.name] = time.time()
            pending.append(await self._producer.send(
                SMS, report.value, key=b"%d" % report.subject, partition=partition_of(report.subject, self._partitions),
                timestamp_ms=int(now * 1000)))
        self.rate = len(pending) / (time.monotonic() - began)
        await asyncio.gather(*pending)


def under_load(figures: Iterable[Figure], bench: str, rate: int, rates: Iterable[float]) -> list[Figure]:
    """With the rate of the slowest run. Below the one that was asked for it has missed its aim, and the others have
    none: to be fast under a lighter load says nothing."""
    reached = Figure(bench, "reached_per_s", min(rates), REACHED * rate)
    return [*(one if reached.met else one._replace(aim=None) for one in figures), reached]


class Listener:
    """seen: by name, the moment at which the first answer came, and its partition."""

    def __init__(self, consumer: AIOKafkaConsumer, name_of: Callable[[bytes, bytes], str | None]) -> None:
        self._consumer, self._name_of = consumer, name_of
        self.seen: dict[str, tuple[float, int]] = {}

    async def run(self) -> None:
        while True:
            for place, records in (await self._consumer.getmany(timeout_ms=1000)).items():
                now = time.time()
                for record in records:
                    name = self._name_of(record.key or b"", record.value)
                    if name is not None:
                        self.seen.setdefault(name, (now, place.partition))

    async def wait_for(self, names: set[str]) -> set[str]:
        """Those that are still missing when all have come, or time is up."""
        deadline = time.monotonic() + REST_S
        while (missing := names - self.seen.keys()) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        return missing


@contextlib.asynccontextmanager
async def listening(one: Stage, topic: str, name_of: Callable[[bytes, bytes], str | None],
                    ) -> AsyncIterator[tuple[LoadSender, Listener]]:
    """A sender, and a listener to what comes to a topic from now on, until the block ends."""
    async with one.reader(topic) as consumer, started_producer(one.settings) as client:
        await consumer.seek_to_end()
        for place in consumer.assignment():
            await consumer.position(place)  # so the end is known before anything is sent
        listener = Listener(consumer, name_of)
        task = asyncio.create_task(listener.run())
        try:
            yield LoadSender(client, one.settings.partitions), listener
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
