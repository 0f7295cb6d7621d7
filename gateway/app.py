"""The gateway's HTTP service: stateless, a producer only. It holds no key and no registry."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse

from gateway.adapters import generic
from gateway.publisher import RETRY_AFTER_S, Publisher
from gateway.sms import Refused, Request
from gateway.ticks import Ticks
from models.times import format_time
from streams.clock import Clock
from streams.kafka import producer
from streams.settings import Settings, SettingsError
from streams.topics import declare

log = logging.getLogger(__name__)

_SMS_BODY: Final = {"requestBody": {"required": True, "content": {"application/json": {"schema": {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "sender", "recipient", "text", "binary")},
    "anyOf": [{"required": ["text"]}, {"required": ["binary"]}]}}}}}


def create_app(settings: Settings, clock: Clock) -> FastAPI:
    """Raises SettingsError where ANBU_GATEWAY_SECRET is missing."""
    secret = settings.gateway_secret
    if not secret:
        raise SettingsError("ANBU_GATEWAY_SECRET is not set: the secret that your SMS gateway signs with")
    state: dict[str, Any] = {"publisher": None, "ticks": None}

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """The service answers at once, 503 until the broker is there."""
        task = asyncio.create_task(_connect(settings, clock, state))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    app = FastAPI(title="Anbu gateway", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.exception_handler(Refused)
    async def refused(_: HttpRequest, error: Refused) -> JSONResponse:
        headers = {"Retry-After": str(RETRY_AFTER_S)} if error.status == 503 else {}
        return JSONResponse({"error": error.message}, error.status, headers)

    @app.post("/v1/sms", status_code=202, openapi_extra=_SMS_BODY,
              responses={status: {"description": text} for status, text in (
                  (400, "The body is not JSON"), (401, "The signature or its time is wrong"), (413, "Too large"),
                  (422, "A field is missing or wrong"), (503, "Not accepted: send it again after Retry-After"))})
    async def accept(request: HttpRequest) -> dict[str, str]:
        """Accept one SMS. 202 means that it is durable; anything else that it is not, and may be sent again."""
        publisher: Publisher | None = state["publisher"]
        if publisher is None:
            raise Refused(503, "the broker is not there yet; send it again")
        with publisher.arrival() as received_at:
            sms = generic.parse(Request(dict(request.headers), await request.body()), secret, received_at)
            await publisher.accept(sms, received_at)
        return {"status": "accepted"}

    @app.get("/status")
    async def status() -> dict[str, Any]:
        """What is in hand, and the last tick that the broker acknowledged."""
        publisher, ticks = state["publisher"], state["ticks"]
        ticked = ticks and ticks.ticked
        return {"in_hand": publisher.in_hand if publisher else 0,
                "ticked": None if ticked is None else format_time(ticked),
                "broker": "up" if publisher and publisher.reachable else "away"}

    @app.get("/health", responses={503: {"description": "The broker is away"}})
    async def health() -> JSONResponse:
        publisher = state["publisher"]
        ready = publisher is not None and publisher.reachable
        return JSONResponse({"live": True, "ready": ready}, 200 if ready else 503)

    return app


async def _connect(settings: Settings, clock: Clock, state: dict[str, Any]) -> None:
    await declare(settings)
    async with contextlib.AsyncExitStack() as stack:
        sender = producer(settings, request_timeout_ms=8_000)
        await sender.start()
        stack.push_async_callback(sender.stop)
        publisher = Publisher(sender, settings, clock)
        ticks = Ticks(publisher, settings, clock)
        state |= {"publisher": publisher, "ticks": ticks}
        await ticks.run()
