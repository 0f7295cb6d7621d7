"""A TCP proxy that makes a network slow, silent or broken, in a thread of its own."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from local.embedded import free_port


class Proxy:
    """Forwards a port of the loopback address to another. Its switches may be set from any thread.

    delay_s: at most so long each piece waits. silent: nothing passes, connections stay. refuses: connections end.
    """

    def __init__(self, target_port: int, port: int) -> None:
        self.port, self.delay_s, self.silent, self.refuses = port, 0.0, False, False
        self._target_port, self._dice = target_port, random.Random(port)
        self._loop = asyncio.new_event_loop()
        self._pumps: set[asyncio.Task[None]] = set()
        self._begun, self._ended = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._begun.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        self._loop.close()

    def cut(self) -> None:
        """End all connections, and refuse new ones until `refuses` is False again."""
        self.refuses = True
        self._loop.call_soon_threadsafe(lambda: [pump.cancel() for pump in self._pumps])

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self._begun.set()
        await self._ended.wait()
        server.close()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        for source, target in ((reader, back), (there, writer)):
            pump = asyncio.create_task(self._pump(source, target))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            while piece := await source.read(65_536):
                if self.delay_s:
                    await asyncio.sleep(self._dice.uniform(0, self.delay_s))
                while self.silent:
                    await asyncio.sleep(0.01)
                target.write(piece)
                await target.drain()
        target.transport.abort()


@contextmanager
def proxy(target_port: int, port: int | None = None) -> Iterator[Proxy]:
    """A proxy before a port, until the block ends."""
    one = Proxy(target_port, port or free_port())
    one.start()
    try:
        yield one
    finally:
        one.stop()
