"""Every button is a command, and the page confirms the command once the broker has it.

The outcome comes as a revision of the alert. The buttons work without scripts (post, then redirect); a page with
scripts asks for the sentence alone.
"""

from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from models.ask_by_hand import NotAskableError
from models.contract.command import OF_INCIDENTS, CommandType
from models.contract.incidents import gateway_of
from models.errors import ContractError
from web.access import OUT_OF_DATE, RefusedError, checked_form, signed_in
from web.commands import Action, NotSentError, command
from web.pages import Subject, language_of, local, web_of
from web.words import N_, WORDS, translations

router = APIRouter(include_in_schema=False, dependencies=[Depends(signed_in)])

ON_ALERT: Final = frozenset({CommandType.ACKNOWLEDGE, CommandType.UNACKNOWLEDGE, CommandType.ASSIGN,
                             CommandType.COMMENT, CommandType.RESOLVE, CommandType.REOPEN})
WITH_OUTCOME: Final = frozenset({CommandType.COMMENT, CommandType.RESOLVE})
WITHOUT_TEXT: Final = frozenset({CommandType.ACKNOWLEDGE, CommandType.UNACKNOWLEDGE, CommandType.REOPEN})
ON_PERSON: Final = frozenset({CommandType.EXCUSE, CommandType.UNEXCUSE})
LONGEST_NAME: Final = 60
LONGEST_TEXT: Final = 2_000
NO_PAGE: Final = N_("There is no such page.")
SENT: Final = N_("%(what)s has been sent. The result will appear here in a moment.")
NOT_SENT: Final = N_("Not sent: the message broker does not answer. Please try again; nothing will happen twice.")
ASKED: Final = N_("The question to the device is on its way. If the device hears it, a report comes within a minute.")
MISSING: Final = {
    "by": N_("Please enter your name."),
    "text": N_("Please write a comment."),
    "assignee": N_("Please enter the person in charge."),
    "from": N_("Please enter the first day."),
    "to": N_("Please enter the last day. It must not be before the first day."),
}


def _text(form: FormData, name: str, longest: int) -> str | None:
    value = form.get(name)
    return value.strip()[:longest] or None if isinstance(value, str) else None


def _name(request: Request, form: FormData) -> str:
    """The name of the caseworker: the page asks for it once, and the session remembers it. Raises RefusedError."""
    name = _text(form, "by", LONGEST_NAME) or request.session.get("name")
    if not name:
        raise RefusedError(422, MISSING["by"])
    request.session["name"] = name
    return str(name)


@router.post("/name")
async def name(request: Request) -> Response:
    form = await checked_form(request)
    _name(request, form)
    return RedirectResponse(local(str(form.get("then", "/"))), 303)


@router.post("/alerts/{alert}/{act}")
async def on_alert(request: Request, alert: str, act: CommandType) -> Response:
    form = await checked_form(request)
    subject, gateway = alert.partition(":")[0], gateway_of(alert)
    if act not in (ON_ALERT if gateway is None else OF_INCIDENTS) or not (gateway or subject.isdecimal()):
        raise RefusedError(404, NO_PAGE)
    return await _do(request, form, Action(
        act, int(subject) if gateway is None else None, _name(request, form), str(form.get("seen")), alert,
        text=_text(form, "text", LONGEST_TEXT) if act not in WITHOUT_TEXT else None,
        assignee=_text(form, "assignee", LONGEST_NAME) if act is CommandType.ASSIGN else None,
        outcome=_text(form, "outcome", LONGEST_NAME) if act in WITH_OUTCOME else None, gateway=gateway))


@router.post("/people/{subject}/ask")
async def ask(request: Request, subject: Subject) -> Response:
    """Ask the person's device. It is no command: the judgement does not learn of it, and the answer is a report."""
    form, web = await checked_form(request), web_of(request)
    if not web.asking.possible:
        raise RefusedError(404, NO_PAGE)
    if not web.follower.lanes:
        raise RefusedError(503, NOT_SENT)
    try:
        await web.asking.ask(subject, int(web.clock.now()))
    except NotAskableError as error:
        raise RefusedError(422, WORDS[error.reason]) from None
    except NotSentError:
        raise RefusedError(503, NOT_SENT) from None
    return _answer(request, form, translations(language_of(request)).ugettext(ASKED))


@router.post("/people/{subject}/{act}")
async def on_person(request: Request, subject: Subject, act: CommandType) -> Response:
    form = await checked_form(request)
    if act not in ON_PERSON:
        raise RefusedError(404, NO_PAGE)
    return await _do(request, form, Action(
        act, subject, _name(request, form), str(form.get("seen")), text=_text(form, "text", LONGEST_TEXT),
        first=_text(form, "from", 10), last=_text(form, "to", 10)))


async def _do(request: Request, form: FormData, action: Action) -> Response:
    web, gettext = web_of(request), translations(language_of(request)).ugettext
    try:
        document = command(action, int(web.clock.now()))
    except ContractError as error:
        raise RefusedError(422, MISSING.get(str(error), OUT_OF_DATE)) from None
    if not web.follower.lanes:
        raise RefusedError(503, NOT_SENT)
    try:
        await web.commands.send(document, web.follower.lanes)
    except NotSentError:
        raise RefusedError(503, NOT_SENT) from None
    return _answer(request, form, gettext(SENT) % {"what": gettext(WORDS[action.type])})


def _answer(request: Request, form: FormData, said: str) -> Response:
    """The sentence for a page with scripts; else the page before, which shows it."""
    if request.headers.get("x-anbu") == "sentence":
        return PlainTextResponse(said)
    request.session["said"] = said
    return RedirectResponse(local(str(form.get("then", "/"))), 303)
