"""The producer of one lane. Its start shuts out (fences) the former writer of the lane.

For each InitProducerId in the same name the coordinator gives out a higher epoch of the same producer id. A partition
learns the new epoch with the first record of that epoch. So, under `fence`, `owner` is written before the changelog is
read to its end. The fence guards only the changelog. That is enough: no worker writes an output whose plan the
changelog did not accept.

Overrides and private names are of aiokafka 0.14.0: `Sender._do_init_pid`, `Sender._find_coordinator`, `InitPIDHandler`.
"""

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.client import CoordinationType
from aiokafka.producer.sender import InitPIDHandler, Sender
from aiokafka.protocol.transaction import InitProducerIdRequest

from runtime.settings import Settings
from streams.engine.batch import OutputRecord
from streams.engine.changelog import OWNER
from streams.kafka import STOP_S, kafka_options

BATCH_OCTETS: Final = 1 << 19
_Headers = Sequence[tuple[str, bytes]]


class _FencingInit(InitPIDHandler):
    """InitProducerId in the name of a lane, from a producer that is idempotent but not transactional."""

    def __init__(self, sender: Sender, name: str) -> None:
        super().__init__(sender)
        self._name = name

    def create_request(self) -> InitProducerIdRequest:
        return InitProducerIdRequest(transactional_id=self._name, transaction_timeout_ms=10_000)


class Writer:
    """Writes batches of records in order. A call returns when the broker has acknowledged all its records."""

    def __init__(self, settings: Settings, number: int) -> None:
        self._number, self._fence = number, settings.guarantee == "fence"
        self._name = f"{settings.app_id}-{number}"
        promise = {"enable_idempotence": True} if self._fence else {"acks": "all"}
        self._producer = AIOKafkaProducer(**kafka_options(settings), **promise, max_batch_size=BATCH_OCTETS,
                                          retry_backoff_ms=20, request_timeout_ms=10_000)
        # The embedded broker reports a wrong end of a partition after batches of several records.
        self._most = 1 << 30 if self._fence else 1

    async def start(self, changelog: str) -> None:
        """Shut out the former writer of this lane, and write `owner` to the changelog."""
        if self._fence:
            sender = self._producer._sender

            async def init(_node: int) -> bool:
                coordinator = await sender._find_coordinator(CoordinationType.TRANSACTION, self._name)
                done: bool = await _FencingInit(sender, self._name).do(coordinator)
                return done

            sender._do_init_pid = init
        await self._producer.start()
        await self.write(changelog, [(OWNER, b"%d" % os.getpid())])

    async def write(self, topic: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Write to the lane's partition of a topic, in order."""
        await self._write(topic, self._number, ((key, value, ()) for key, value in records))

    async def write_outputs(self, outputs: Iterable[OutputRecord]) -> None:
        """Write outputs to their topics and partitions, in order within each."""
        places: dict[tuple[str, int], list[tuple[bytes | None, bytes | None, _Headers]]] = defaultdict(list)
        for output in outputs:
            partition = self._number if output.partition is None else output.partition
            places[output.topic, partition].append((output.key, output.value, output.headers))
        await asyncio.gather(*(self._write(*place, records) for place, records in places.items()))

    async def _write(self, topic: str, partition: int,
                     records: Iterable[tuple[bytes | None, bytes | None, _Headers]]) -> None:
        producer, sent = self._producer, []
        batch = producer.create_batch()
        for key, value, headers in records:
            full = batch.record_count() == self._most
            if full or batch.append(key=key, value=value, timestamp=None, headers=list(headers)) is None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                # A batch takes its first record, whatever the record's size.
                batch.append(key=key, value=value, timestamp=None, headers=list(headers))
        if batch.record_count():
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)  # all of them: only the batch's own future reports its failure

    async def stop(self) -> None:
        """Stop the producer, also if the broker does not answer or the caller is cancelled. No record is lost: each was
        awaited, or the next owner of the lane writes it."""
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._producer.stop(), STOP_S)
        finally:
            await self._producer._sender.close()
            await self._producer.client.close()
