"""A provider of tests: an HTTP server on a free port that answers what it is told to, and remembers what it got."""

import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple

import orjson


class Request(NamedTuple):
    """headers: names in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Answer(NamedTuple):
    """delay_s: before it is sent. cut: the connection ends without an answer, the request having been read."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = MappingProxyType({})
    delay_s: float = 0.0
    cut: bool = False


class Endpoint:
    """answers: the next ones, in order; when there are none left, `usual`. Slack's format unless told otherwise."""

    def __init__(self, *answers: Answer, usual: Answer | None = None,
                 arrived: Callable[[Request], None] | None = None) -> None:
        self.requests: list[Request] = []
        self.answers = list(answers)
        self.usual = usual or Answer()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                if len(body) < length:  # whoever sent it was killed in the middle
                    self.close_connection = True
                    return
                request = Request(self.command, self.path, {name.lower(): one for name, one in self.headers.items()},
                                  body)
                endpoint.requests.append(request)
                answer = endpoint.answers.pop(0) if endpoint.answers else endpoint.usual
                if arrived is not None:
                    arrived(request)
                time.sleep(answer.delay_s)
                if answer.cut:
                    self.close_connection = True
                    self.connection.close()
                    return
                octets = answer.body.encode()
                try:
                    self.send_response(answer.status)
                    for name, value in {**answer.headers, "content-length": str(len(octets))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(octets)
                except OSError:
                    self.close_connection = True  # whoever asked has gone

            do_POST = do_PUT = do_GET = _serve

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
                """Nobody reads it."""

            def finish(self) -> None:
                try:
                    super().finish()
                except (OSError, ValueError):
                    """It was cut."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "Endpoint":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
