"""The application of `anbu web` judges nothing and keeps nothing. It has pages, actions and API behind one gate."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from runtime.settings import is_loopback
from stores.questions import Questions
from web import actions, api, figures, pages, questions
from web.access import NotSignedInError, RefusedError, Sessions, check_settings
from web.headers import Guarded
from web.service import Web
from web.words import HERE, N_, translations

API: Final = "/api/"
TITLE: Final = "Anbu"
SAID: Final = {404: N_("There is no such page."), 405: N_("There is no such page.")}
WRONG: Final = N_("This request cannot be understood.")


def create_app(web: Web, on_failure: Callable[[BaseException], None]) -> FastAPI:
    """Make the application. Raises SettingsError if the page would be open to the network without a token.

    on_failure: called if the page cannot go on, such as with topics that have another number of partitions.
    """
    check_settings(web.settings)

    history = Questions(web.settings.mongodb)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            async with web.running(on_failure):
                yield
        finally:
            history.close()

    app = FastAPI(title=TITLE, version="1", openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None,
                  lifespan=lifespan)
    app.state.web, app.state.questions = web, history
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for router in (pages.router, actions.router, api.router, questions.router, figures.router):
        app.include_router(router)
    app.add_api_route("/health", _health, include_in_schema=False)
    app.add_api_route("/ready", _ready, include_in_schema=False)
    app.add_exception_handler(NotSignedInError, _not_signed_in)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Sessions, token=web.settings.web_token)
    app.add_middleware(figures.CountedAnswers)
    app.add_middleware(Guarded, loopback_only=web.settings.web_token is None and is_loopback(web.settings.web_host))
    return app


async def _health() -> PlainTextResponse:
    """The process lives. Without a broker it is still of use: the page shows in red that the broker is away."""
    return PlainTextResponse("ok")


async def _ready(request: Request) -> PlainTextResponse:
    """Ready if all records that were in the topics have been read."""
    ready = pages.web_of(request).follower.caught_up
    return PlainTextResponse("ready" if ready else "not ready", 200 if ready else 503)


async def _not_signed_in(request: Request, _: Exception) -> Response:
    path = request.url.path
    if path.startswith(API):
        return JSONResponse({"detail": "authentication needed"}, 401, {"www-authenticate": "Bearer"})
    if request.method != "GET" or path in ("/parts", "/events"):
        return PlainTextResponse("authentication needed", 401)
    return RedirectResponse("/login" if path == "/" else f"/login?then={path}", 303)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - it is registered only for this type
    return _said(request, error.status, error.reason)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - likewise
    if request.url.path.startswith(API):  # the author of the request has to know what is wrong with it
        return JSONResponse({"detail": "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())}, 422)
    return _said(request, 422, WRONG)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    return _said(request, error.status_code, SAID.get(error.status_code, WRONG))


def _said(request: Request, status: int, reason: str) -> Response:
    """A refusal in the requested form: JSON, one sentence, or a page."""
    if request.url.path.startswith(API):
        return JSONResponse({"detail": reason}, status)
    if request.headers.get("x-anbu") == "sentence":
        return PlainTextResponse(translations(pages.language_of(request)).ugettext(reason), status)
    return pages.render(request, "message.html", {"message": reason}, status)
