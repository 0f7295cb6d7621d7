"""A gateway that runs for a test: the application under uvicorn in a thread, over real HTTP, on a broker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import orjson
import uvicorn

from cli.broker import records
from gateway.adapters.generic import signed
from gateway.app import create_app
from runtime.clock import Clock
from runtime.settings import Settings
from streams.topics import SMS
from support.broker import GUARANTEE
from support.page import StoppedClock, wait_until

SECRET = "a secret of tests"
NAME = "seoul-1"


def gateway_settings(**changes: Any) -> Settings:
    return replace(Settings.from_env({
        "ANBU_GUARANTEE": GUARANTEE, "ANBU_GATEWAY_SECRET": SECRET, "ANBU_GATEWAY_NAME": NAME,
        "ANBU_GATEWAY_ALONE": "true"}), **changes)


@dataclass
class RunningGateway:
    """url: without a slash at the end; failures: what on_failure was called with."""

    url: str
    settings: Settings
    clock: Clock
    failures: list[BaseException] = field(default_factory=list)

    def post(self, document: object, **options: Any) -> httpx.Response:
        """Post an SMS, rightly signed."""
        return self.post_octets(orjson.dumps(document), **options)

    def post_octets(self, body: bytes, **options: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/sms", content=body, headers=signed(SECRET, self.clock.now(), body),
                          timeout=30, **options)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}/status", timeout=30).json()
        return found

    def wait_until_up(self) -> None:
        """Until the broker is there and has acknowledged a tick."""
        wait_until(self._is_up)

    def _is_up(self) -> bool:
        try:
            found = self.status()
        except httpx.TransportError:  # a process that is just starting
            return False
        return found["broker"] == "up" and found["ticked"] is not None


@contextmanager
def running_gateway(settings: Settings, clock: Clock | None = None) -> Iterator[RunningGateway]:
    """Serve on a free port of the loopback address until the block ends."""
    one = RunningGateway("", settings, clock or StoppedClock())
    app = create_app(settings, one.clock, one.failures.append)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="on",
                                           access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        one.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield one
    finally:
        server.should_exit = True
        thread.join(30)


async def read_sms(settings: Settings) -> dict[int, list[dict[str, Any]]]:
    """All that lies in topic sms, by partition, each with its key as `_key`."""
    found: dict[int, list[dict[str, Any]]] = {number: [] for number in range(settings.partitions)}
    async for polled in records(SMS, settings):
        for one in polled.records:
            found[one.partition].append({**orjson.loads(one.value), "_key": one.key})
    return found
