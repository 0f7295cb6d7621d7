"""Prometheus reads from a gateway the answers to SMS by status, their time, and whether ticks go out."""

import time
from collections.abc import Callable

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import metrics
from runtime.settings import Settings


class CountedSms:
    """Middleware that measures the answer to each SMS, by status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                metrics.SMS_SECONDS.labels(message["status"]).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, counting)


def add_figures(app: FastAPI, settings: Settings, in_hand: Callable[[], int], ticked: Callable[[], int | None],
                broker_up: Callable[[], bool]) -> None:
    """Add `GET /metrics`, for authorized readers, and the middleware."""
    app.add_middleware(CountedSms)

    @app.get("/metrics", include_in_schema=False)
    async def figures(request: HttpRequest) -> PlainTextResponse:
        if not metrics.may_read(settings, settings.gateway_host, request.headers.get("authorization")):
            return PlainTextResponse("a bearer token is needed (ANBU_WORKER_TOKEN)", 401)
        metrics.SMS_IN_HAND.set(in_hand())
        metrics.TICKED_AT.set(ticked() or 0)
        metrics.BROKER_UP.set(broker_up())
        return PlainTextResponse(generate_latest(metrics.GATEWAY).decode(), media_type=metrics.CONTENT_TYPE)
