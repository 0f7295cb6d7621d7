"""Every answer restricts the browser: only our own files, no frames, no guessing of types, nothing kept.

On loopback the page answers only requests for the machine's own names: a foreign site whose name points here gets
nothing.
"""

from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
                               "object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guarded:
    """Middleware that adds the headers.

    loopback_only: whether to refuse requests for any name but the machine's own.
    """

    def __init__(self, app: ASGIApp, loopback_only: bool) -> None:
        self._app, self._loopback_only = app, loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if not scope["path"].startswith("/static/"):
                    headers["cache-control"] = "no-store"
            await send(message)

        if self._loopback_only and not _is_own(_host(scope)):
            await PlainTextResponse("unknown host", 421)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)


def _host(scope: Scope) -> str:
    host = Headers(scope=scope).get("host", "")
    return host[1:host.find("]")] if host.startswith("[") else host.partition(":")[0]


def _is_own(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
