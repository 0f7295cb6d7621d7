"""The routes that show pages: the board, its parts for an open page, the events of changes, a person, the login."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sse_starlette import EventSourceResponse

from models.contract.why import LANGUAGES
from models.window import HALVES
from web import view
from web.access import checked_form, csrf_token, signed_in
from web.changes import PARTS
from web.history import HistoryAwayError
from web.service import Web
from web.words import chosen_language, environment

router = APIRouter(include_in_schema=False)
seen_only = [Depends(signed_in)]


def web_of(request: Request) -> Web:
    web: Web = request.app.state.web
    return web


def language_of(request: Request) -> str:
    return chosen_language(request.session.get("language"), request.headers.get("accept-language", ""))


def render(request: Request, template: str, context: dict[str, Any], status: int = 200) -> HTMLResponse:
    """A template in the request's language, with the context that every page needs."""
    web, language = web_of(request), language_of(request)
    common = {
        "language": language, "csrf": csrf_token(request), "event_id": web.changes.id,
        "me": request.session.get("name", ""), "said": request.session.pop("said", None),
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "may_log_out": bool(request.session.get("in")),
    }
    return HTMLResponse(environment(language).get_template(template).render(common | context), status)


Site = Annotated[str | None, Query(max_length=100)]
Subject = Annotated[int, Path(ge=0, le=0xFFFFFFFF)]
Parts = Annotated[list[str], Query(max_length=len(PARTS))]
Half = Annotated[str | None, Query(pattern=f"^({'|'.join(HALVES)})$")]


def look_of(site: Site = None, half: Half = None) -> view.Look:
    return view.Look(site or None, half)


Looked = Annotated[view.Look, Depends(look_of)]


@router.get("/", dependencies=seen_only)
async def board_page(request: Request, look: Looked) -> Response:
    return render(request, "board.html", view.page(web_of(request), look, language_of(request)))


@router.get("/parts", dependencies=seen_only)
async def parts(request: Request, look: Looked, part: Parts) -> Response:
    """The parts of the board that changed, for a page that is open."""
    context = view.page(web_of(request), look, language_of(request))
    here = "/" + (f"?{request.url.include_query_params(part=[]).query}" if look != view.Look() else "")
    return render(request, "parts.html", context | {"parts": [one for one in PARTS if one in part], "here": here})


@router.get("/events", dependencies=seen_only)
async def events(request: Request, part: Parts, after: str | None = None) -> Response:
    """Changes after an event. The browser names the last event that it got; a new page names the event that it shows.
    """
    changes = web_of(request).changes
    return EventSourceResponse(changes.events(request.headers.get("last-event-id") or after, part))


@router.get("/people/{subject}", dependencies=seen_only)
async def person_page(request: Request, subject: Subject) -> Response:
    context = await _about(request, subject)
    return render(request, "person.html", context, 200 if context["found"] else 404)


@router.get("/people/{subject}/part", dependencies=seen_only)
async def person_part(request: Request, subject: Subject) -> Response:
    """The same for a page that is open: a person's page is one part."""
    return render(request, "about.html", await _about(request, subject))


async def _about(request: Request, subject: int) -> dict[str, Any]:
    web = web_of(request)
    try:
        known = await web.history.of_person(subject)
    except HistoryAwayError:
        known = None
    return view.person(web, subject, known, language_of(request)) | {"here": f"/people/{subject}"}


@router.get("/alerts/{alert}", dependencies=seen_only)
async def alert_page(alert: str) -> Response:
    """An address for messages: leads to the page that shows the alert."""
    subject = alert.partition(":")[0]
    return RedirectResponse(f"/people/{subject}#{view.anchor(alert)}" if subject.isdecimal() else "/", 303)


@router.get("/language/{language}")
async def language(request: Request, language: str, then: str = "/") -> Response:
    if language in LANGUAGES:
        request.session["language"] = language
    return RedirectResponse(local(then), 303)


@router.get("/login")
async def login_page(request: Request, then: str = "/") -> Response:
    return render(request, "login.html", {"then": local(then), "wrong": False})


@router.post("/login")
async def login(request: Request) -> Response:
    form = await checked_form(request)
    then = local(str(form.get("then", "/")))
    if not web_of(request).gate.fits(str(form.get("token", "")).strip()):
        return render(request, "login.html", {"then": then, "wrong": True}, 403)
    request.session["in"] = True
    return RedirectResponse(then, 303)


@router.post("/logout")
async def logout(request: Request) -> Response:
    await checked_form(request)
    request.session.clear()
    return RedirectResponse("/login", 303)


def local(address: str) -> str:
    """The address if it is on this page's host, else that of the board."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"

