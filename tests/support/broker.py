"""The broker of tests: the embedded one, or a real Apache Kafka where ANBU_TEST_BROKER=kafka (`make test-kafka`)."""

import asyncio
import atexit
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from aiokafka.admin import AIOKafkaAdminClient

from local.embedded import embedded_broker
from local.kafka import LocalKafka

ON_KAFKA: Final = os.environ.get("ANBU_TEST_BROKER") == "kafka"
GUARANTEE: Final = "fence" if ON_KAFKA else "none"  # ANBU_GUARANTEE of whoever uses it


class Broker(Protocol):
    @property
    def address(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None: ...


def a_broker(folder: Path, port: int | None = None, advertised_port: int | None = None) -> Broker:
    """One node, not started, empty. advertised_port: where clients are sent, if that is a proxy's."""
    if not ON_KAFKA:
        return embedded_broker(folder, port, advertised_port)
    return LocalKafka(folder, ports=[port] if port else (), advertised=[advertised_port] if advertised_port else ())


_shared: list[LocalKafka] = []


@contextmanager
def empty_broker(folder: Path) -> Iterator[str]:
    """The address of a broker without topics: an embedded one of its own, or the one Kafka of this session, emptied."""
    if not ON_KAFKA:
        with embedded_broker(folder) as one:
            yield one.address
        return
    if not _shared:
        home = tempfile.TemporaryDirectory(prefix="kafka-")
        kafka = LocalKafka(Path(home.name))
        kafka.start()
        _shared.append(kafka)
        atexit.register(home.cleanup)
        atexit.register(kafka.stop)
    yield _shared[0].address
    # In a thread: whoever asks may be in an event loop of his own.
    emptying = threading.Thread(target=lambda: asyncio.run(_empty(_shared[0].address)))
    emptying.start()
    emptying.join()


async def _empty(address: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        while names := [name for name in await admin.list_topics() if not name.startswith("__")]:
            await admin.delete_topics(names)
            await asyncio.sleep(0.05)
    finally:
        await admin.close()
