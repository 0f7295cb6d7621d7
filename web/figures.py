"""Prometheus gets two things from a page: the statuses of its answers, and whether the page sees what it shows."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import metrics
from web.board import WatchStatus
from web.pages import web_of

router = APIRouter(include_in_schema=False)


class CountedAnswers:
    """Middleware that counts every answer by its status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                metrics.RESPONSES.labels(message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counting if scope["type"] == "http" else send)


@router.get("/metrics")
async def figures(request: Request) -> PlainTextResponse:
    web = web_of(request)
    if not metrics.may_read(web.settings, web.settings.web_host, request.headers.get("authorization")):
        return PlainTextResponse("a bearer token is needed (ANBU_WORKER_TOKEN)", 401)
    metrics.CAUGHT_UP.set(web.follower.caught_up)
    metrics.WATCHED.set(web.watch() in (WatchStatus.WATCHED, WatchStatus.QUIET))
    return PlainTextResponse(generate_latest(metrics.WEB).decode(), media_type=metrics.CONTENT_TYPE)
