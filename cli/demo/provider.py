"""The end of the channel `asks`: an HTTP service that takes the questions to devices, as an SMS provider does.

It runs in the process that moves the time and has the devices: a device counts its reports, so it can be in one
process only.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models.json_object import JsonObject
from simulator.happenings import AirQuestion

CHANNEL: Final = "asks"
PATH: Final = "/questions"
PER_S: Final = 1000  # the most that a channel may have


def routes_file(port: int) -> JsonObject:
    """The routes of the demo. The file needs recipients of alerts too; the demo runs no agent `notify`."""
    url = f"http://127.0.0.1:{port}"
    return {
        "channels": {
            CHANNEL: {"type": "http", "url": url + PATH, "per_s": PER_S,
                      "json": {"to": "{to}", "text": "{text}", "id": "{id}", "valid_s": "{valid_s}"}},
            "team": {"type": "slack", "url": url + "/alerts"},
        },
        "asks": {"*": CHANNEL}, "sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]},
    }


class _Server(uvicorn.Server):
    """A server without signal handlers: the demo has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class DeviceProvider:
    """Takes the questions and carries them.

    carry: called with each question; the same one may come again.
    now: the virtual time, epoch seconds.
    taken: the questions so far, each as SUBJECT/ID.
    """

    def __init__(self, carry: Callable[[AirQuestion], None], now: Callable[[], float]) -> None:
        self._carry, self._now = carry, now
        self.taken: set[str] = set()

    @contextlib.asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[None]:
        """Serve on a port of this machine. Raises OSError if the port is taken."""
        app = Starlette(routes=[Route(PATH, self._take, methods=["POST"])])
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        with socket.create_server(("127.0.0.1", port)) as listening:
            task = asyncio.create_task(server.serve([listening]))
            try:
                yield
            finally:
                server.should_exit = True
                await asyncio.gather(task, return_exceptions=True)

    async def _take(self, request: Request) -> Response:
        sms: dict[str, Any] = await request.json()
        subject, _, question = sms["id"].partition("/")
        at = int(self._now())
        self._carry(AirQuestion(int(subject), question, sms["to"], sms["text"], at, at + int(sms["valid_s"])))
        self.taken.add(sms["id"])
        return Response()
