"""A steady load sends a number of reports a second, notes when each was sent, and listens to the answers.

A busy machine may send fewer. The benchmark then reports the rate, and its other figures have no aims.
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
REACHED: Final = 0.95  # share of the rate; below it the load is another one


class Report(NamedTuple):
    """A report to send.

    name: the name by which the answer is matched.
    """

    name: str
    subject: int
    value: bytes


class LoadSender:
    """Sends reports at a steady rate.

    sent: by name, when the report was handed to the producer (`time.time`); the record's time stamp is the same.
    rate: the reached rate, reports a second, known at the end.
    """

    def __init__(self, producer: AIOKafkaProducer, partitions: int) -> None:
        self._producer, self._partitions = producer, partitions
        self.sent: dict[str, float] = {}
        self.rate = 0.0

    async def run(self, reports: Iterable[Report], rate: int, until: Callable[[], bool] = lambda: False) -> None:
        """Send at a rate, without waiting for answers, until there are no more reports or `until` returns True."""
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
    """The figures, and the rate of the slowest run. If this rate missed its aim, the other figures have no aims: speed
    under a lighter load says nothing."""
    reached = Figure(bench, "reached_per_s", min(rates), REACHED * rate)
    return [*(one if reached.met else one._replace(aim=None) for one in figures), reached]


class Listener:
    """Listens to the answers.

    seen: by name, when the first answer came (`time.time`), and its partition.
    """

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
        """Wait for answers, at most REST_S seconds. Returns the names whose answers are missing."""
        deadline = time.monotonic() + REST_S
        while (missing := names - self.seen.keys()) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        return missing


@contextlib.asynccontextmanager
async def listening(one: Stage, topic: str, name_of: Callable[[bytes, bytes], str | None],
                    ) -> AsyncIterator[tuple[LoadSender, Listener]]:
    """A sender, and a listener to the records that come to a topic from now on, until the block ends."""
    async with one.reader(topic) as consumer, started_producer(one.settings) as client:
        await consumer.seek_to_end()
        for place in consumer.assignment():
            await consumer.position(place)  # so the end is known before the first report is sent
        listener = Listener(consumer, name_of)
        task = asyncio.create_task(listener.run())
        try:
            yield LoadSender(client, one.settings.partitions), listener
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
