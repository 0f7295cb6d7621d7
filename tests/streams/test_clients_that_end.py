"""A client of the broker is always closed, also if its user fails or is cancelled."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from local.embedded import embedded_broker, free_port
from runtime.settings import Settings
from streams.engine.changelog import reader
from streams.engine.writer import Writer


@pytest.fixture
async def complaints() -> list[dict[str, Any]]:
    """What the event loop was told of clients that nobody closed."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    return told


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as service:
        yield service.address


async def test_a_reader_ends_although_the_broker_is_away(complaints: list[dict[str, Any]]) -> None:
    with pytest.raises(KafkaConnectionError):
        async with reader(Settings.from_env({"ANBU_KAFKA": f"127.0.0.1:{free_port()}"})):
            pytest.fail("there is nobody")
    gc.collect()
    assert complaints == []


async def test_a_reader_ends_when_it_is_cancelled_while_it_starts(complaints: list[dict[str, Any]]) -> None:
    """The broker accepts the connection and does not answer, so the watchdog cancels the reader."""
    asked = asyncio.Event()

    async def silent(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        asked.set()
        await incoming.read()  # until the other side closes
        outgoing.close()

    async def begin(settings: Settings) -> None:
        async with reader(settings):
            pytest.fail("nobody has answered")

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        beginning = asyncio.create_task(begin(Settings.from_env({"ANBU_KAFKA": f"127.0.0.1:{port}"})))
        await asked.wait()
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
    gc.collect()
    assert complaints == []


async def test_a_writer_ends_although_its_end_is_cancelled(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebalance may cancel the renewal of a lane's writer."""
    writer = Writer(Settings.from_env({"ANBU_KAFKA": broker, "ANBU_GUARANTEE": "none"}), 0)
    producer, flushing = writer._producer, asyncio.Event()
    await producer.start()

    async def flush() -> None:
        flushing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(producer._message_accumulator, "close", flush)
    ending = asyncio.create_task(writer.stop())
    await flushing.wait()
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert producer._sender.sender_task.done()
    assert producer.client._sync_task is None, "it asks for metadata no more"
