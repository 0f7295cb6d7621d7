"""The gateway's HTTP service: stateless, a producer only. It holds no key and no registry."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, Literal

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from gateway.adapters import generic
from gateway.connection import hold
from gateway.figures import add_figures
from gateway.publisher import Publisher
from gateway.sms import Refused, Request
from gateway.ticks import Ticks
from models.json_object import JsonObject
from models.times import format_time
from runtime.clock import Clock
from runtime.settings import Settings, SettingsError
from runtime.tasks import watch

RETRY_AFTER_S: Final = 5


class Accepted(BaseModel):
    """The SMS is durable."""

    status: Literal["accepted"] = "accepted"


class Error(BaseModel):
    """Why the SMS was not accepted, in a sentence that says what to do."""

    error: str


class Status(BaseModel):
    """in_hand: requests being answered; ticked: the last tick that every partition has acknowledged."""

    in_hand: int
    ticked: str | None
    broker: Literal["up", "away"]


class Health(BaseModel):
    """ready: the broker is there, so SMS are accepted."""

    live: bool = True
    ready: bool


_REFUSALS: Final[dict[int | str, JsonObject]] = {
    status: {"model": Error, "description": text} for status, text in (
        (400, "The body is not JSON in UTF-8"), (401, "The signature or its time is wrong"),
        (413, "The body is too large"), (422, "A field is missing or wrong"),
        (503, "Not accepted: send the SMS again after Retry-After seconds"))}


def create_app(settings: Settings, clock: Clock, on_failure: Callable[[BaseException], None]) -> FastAPI:
    """Make the service. Raises SettingsError if ANBU_GATEWAY_SECRET is missing, or ANBU_TICK_S is 0.

    on_failure: called once if the service cannot go on, such as with another number of partitions.
    """
    secret = settings.gateway_secret
    if not secret:
        raise SettingsError("ANBU_GATEWAY_SECRET is not set: the secret that your SMS provider signs with")
    if settings.tick_s <= 0:
        raise SettingsError("ANBU_TICK_S must be more than 0: without ticks no deadline is judged")
    publisher = Publisher(settings, clock)
    ticks = Ticks(publisher, settings, clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """Answer requests at once, with 503 until the broker is there."""
        holding = asyncio.create_task(hold(settings, publisher, ticks))
        watch(holding, on_failure)
        try:
            yield
        finally:
            holding.cancel()
            await asyncio.wait([holding])

    app = FastAPI(title="Anbu gateway", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
                  description="Accepts SMS. The sender signs each request: see X-Anbu-Signature.")

    @app.exception_handler(Refused)
    async def refused(_: HttpRequest, error: Refused) -> JSONResponse:
        headers = {"Retry-After": str(RETRY_AFTER_S)} if error.status == 503 else {}
        return JSONResponse({"error": error.message}, error.status, headers)

    @app.post("/v1/sms", status_code=202, openapi_extra=generic.OPENAPI, responses=_REFUSALS)
    async def accept(request: HttpRequest) -> Accepted:
        """Accept one SMS. 202: the SMS is durable. Any other status: it is not durable, and the sender may retry."""
        async with publisher.arrival() as received_at:
            body = await _body(request, generic.MOST_OCTETS)
            sms = generic.parse(Request(dict(request.headers), body), secret, received_at)
            await publisher.accept(sms, received_at)
        return Accepted()

    @app.get("/status")
    async def status() -> Status:
        """Return the number of requests in hand, and the last tick that the broker acknowledged."""
        ticked = ticks.ticked
        return Status(in_hand=publisher.in_hand, ticked=None if ticked is None else format_time(ticked),
                      broker="away" if publisher.producer is None else "up")

    @app.get("/health", responses={200: {"model": Health}, 503: {"model": Health, "description": "The broker is away"}})
    async def health() -> JSONResponse:
        """Return 200 if the gateway accepts SMS, else 503."""
        ready = publisher.producer is not None
        return JSONResponse(Health(ready=ready).model_dump(), 200 if ready else 503)

    add_figures(app, settings, lambda: publisher.in_hand, lambda: ticks.ticked, lambda: publisher.producer is not None)
    return app


async def _body(request: HttpRequest, most: int) -> bytes:
    """Return the body, of at most `most` octets. Raises Refused(413) if it is larger.

    A body that is too large is still read to its end, and dropped: a sender that is cut off in the middle of a request
    would never see the answer.
    """
    body, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= most:
                body += chunk
    except ClientDisconnect:
        raise Refused(400, "the request ended before its body was complete") from None
    if size > most:
        raise Refused(413, f"the body has {size} octets, at most {most} are accepted")
    return bytes(body)
