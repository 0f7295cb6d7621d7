"""A benchmark removes exactly the topics that it has made, in whatever way it ends.

A benchmark runs on a given broker or starts one. It writes thousands of made-up people into its own topics. Most topics
have a prefix that no other run has. Inputs and outputs have the names of the contract, so a broker that has one of
these topics already is refused.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import tempfile
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bench import nation
from bench.figures import ProgressLine, say
from local.kafka import LocalKafka
from models.contract.topics import INPUTS
from runtime.settings import Settings, SettingsError
from streams.engine.changelog import reader
from streams.kafka import administration, producer
from streams.topics import Topic, changelog, create, declare, topics

BATCH_OCTETS: Final = 1 << 19
CLEAN_S: Final = 30.0
Row = tuple[int, bytes | None, bytes]
"""(partition, key, value)"""


class Stage:
    """A broker with the topics of one run.

    settings: the settings of the run.
    environ: the environment of the measured processes.
    prefix: the prefix of the names of all apps of the run, and so of their topics and groups.
    """

    def __init__(self, folder: Path, address: str, environ: dict[str, str]) -> None:
        self.folder, self.prefix = folder, f"bench-{uuid.uuid4().hex[:12]}"
        self.environ = {name: value for name, value in environ.items() if not name.startswith("ANBU_")} | {
            "ANBU_KAFKA": address, "ANBU_KEK": json.dumps({"k1": b64encode(nation.KEK).decode()}),
            "ANBU_CLOCK_TICK_S": "0", "ANBU_DATA_DIR": str(folder), "ANBU_LOG_FORMAT": "text",
            "ANBU_LOG_LEVEL": "warning", "ANBU_APP_ID": self.prefix,
            **{name: value for name, value in environ.items()
               if name in ("ANBU_PARTITIONS", "ANBU_REPLICATION", "ANBU_GUARANTEE")
               or name.startswith("ANBU_KAFKA_SECURITY")}}
        self.settings = Settings.from_env(self.environ)
        self._made: set[str] = set()

    def name(self, what: str) -> str:
        """The name of an app or a topic of this run."""
        return f"{self.prefix}-{what}"

    async def app(self, what: str) -> Settings:
        """The settings of a measured worker. It has a changelog of its own, and shares all other topics."""
        settings = Settings.from_env({**self.environ, "ANBU_APP_ID": self.name(what)})
        await self._make(topic for topic in topics(settings) if topic.name == changelog(settings))
        await declare(settings)  # waits until all topics are there
        return settings

    async def prepare(self) -> None:
        """Make the topics that all apps share. Raises SettingsError if a topic exists: it belongs to others."""
        await self._make(topics(self.settings))
        await declare(self.settings)

    async def create(self, topic: str) -> None:
        """Create another compacted topic."""
        await self._make([Topic(topic, {"cleanup.policy": "compact"})])

    async def _make(self, wanted: Iterable[Topic]) -> None:
        async with administration(self.settings) as admin:
            wanted, there = list(wanted), set(await admin.list_topics())
            self._refuse([topic.name for topic in wanted if topic.name in there])
            for topic in wanted:
                making = asyncio.create_task(self._create(admin, topic))
                try:
                    await asyncio.shield(making)
                finally:
                    await asyncio.wait([making])  # after an interrupt, `clean` has to know the made topic

    async def _create(self, admin: AIOKafkaAdminClient, topic: Topic) -> None:
        if not await create(admin, self.settings, topic):
            self._refuse([topic.name])
        self._made.add(topic.name)

    def _refuse(self, there: list[str]) -> None:
        if there:
            raise SettingsError(f"the broker at {self.settings.kafka} is in use, it has {', '.join(there)} already: a "
                                f"benchmark needs one without these topics, and makes and removes them itself")

    async def clean(self) -> None:
        """Remove the topics that this stage and the apps of this run have made. Reports those that it could not remove.
        """
        left = set(self._made)  # whether or not listed: a broker lists a topic some time after its creation
        try:
            async with asyncio.timeout(CLEAN_S), administration(self.settings) as admin:
                while left:
                    await admin.delete_topics(sorted(left))
                    await asyncio.sleep(0.1)
                    left = {name for name in await admin.list_topics()
                            if name in self._made or name.startswith(f"{self.prefix}-")}
        except (KafkaError, TimeoutError) as error:
            say(f"could not be removed from {self.settings.kafka}: {', '.join(sorted(left))} ({error!r})")

    @contextlib.asynccontextmanager
    async def reader(self, *names: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer of all partitions of topics, from their beginning."""
        async with reader(self.settings) as consumer:
            consumer.assign([TopicPartition(name, number) for name in names
                             for number in range(self.settings.partitions)])
            yield consumer

    async def ends(self, topic: str) -> dict[int, int]:
        """By partition of a topic, the offset of the next record."""
        async with self.reader(topic) as consumer:
            return {place.partition: end for place, end in
                    (await consumer.end_offsets(consumer.assignment())).items()}

    async def read(self, topic: str) -> AsyncIterator[ConsumerRecord]:
        """All records that a topic holds now."""
        async with self.reader(topic) as consumer:
            ends = await consumer.end_offsets(consumer.assignment())
            while not all([await consumer.position(place) >= end for place, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=500, max_records=5000)).values():
                    for record in records:
                        yield record

    async def write(self, topic: str, rows: Iterable[Row], progress: ProgressLine | None = None) -> int:
        """Write rows, in order within each partition. Returns the number of rows."""
        most = 1 if self.settings.guarantee == "none" else 1 << 30  # for the reason see `streams.engine.writer`
        sender, count = producer(self.settings, max_batch_size=BATCH_OCTETS), 0
        batches: dict[int, Any] = {}
        sent: list[asyncio.Future[Any]] = []
        await sender.start()
        try:
            for partition, key, value in rows:
                batch = batches.get(partition)
                if batch is None or batch.record_count() == most or batch.append(
                        key=key, value=value, timestamp=None) is None:
                    if batch is not None:
                        sent.append(await sender.send_batch(batch, topic, partition=partition))
                    batch = batches[partition] = sender.create_batch()
                    batch.append(key=key, value=value, timestamp=None)
                count += 1
                if progress is not None:
                    progress.add()
            for partition, batch in batches.items():
                sent.append(await sender.send_batch(batch, topic, partition=partition))
            await asyncio.gather(*sent)  # only the batch's own future reports that it was refused
        finally:
            await sender.stop()
        return count


@contextlib.contextmanager
def stage(address: str | None, **environ: str) -> Iterator[Stage]:
    """A stage, which is cleaned up when the block ends, also after Ctrl-C and SIGTERM.

    address: the broker; None: a broker starts for this stage.

    Raises EmbeddedError, SettingsError, KafkaError.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # else it logs that a new broker is not ready yet
    with tempfile.TemporaryDirectory(prefix="anbu-bench-") as name, contextlib.ExitStack() as stack:
        stack.enter_context(_interruptible())
        folder = Path(name)
        if address is None:
            address = stack.enter_context(LocalKafka(folder)).address
        one = Stage(folder, address, {**os.environ, **environ})
        try:
            asyncio.run(one.prepare())
            yield one
        finally:
            asyncio.run(one.clean())


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C. Both interrupt the running await, so that all is cleaned up."""
    handlers = {signal.SIGINT: signal.default_int_handler,  # a shell may have turned it off
                signal.SIGTERM: lambda *_: signal.raise_signal(signal.SIGINT)}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def inputs_done(count: dict[str, int]) -> bytes:
    """The value of a `done` that says how many records of each input a lane has read already.

    count: the number of records, by input; 0 where an input is missing.
    """
    return json.dumps({topic: count.get(topic, 0) for topic in INPUTS}).encode()
