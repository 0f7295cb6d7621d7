"""On loopback every user of this machine may see the page; elsewhere a user has to type the token first.

The session is a signed cookie that no script can read. Every form carries a token of its session, so no other site can
press our buttons. The number of wrong tokens is limited, so no caller can try tokens out.
"""

import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from typing import Final

from starlette.datastructures import FormData
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.settings import Settings, SettingsError, is_loopback
from web.words import N_

SESSION_S: Final = 12 * 3600
SHORTEST_TOKEN: Final = 16
WRONG_A_MINUTE: Final = 10
TOO_MANY: Final = N_("Too many wrong tokens. Please wait a minute.")
OUT_OF_DATE: Final = N_("This form is out of date. Please go back, reload the page and try again.")


class NotSignedInError(Exception):
    """The user has to type the token first."""


class RefusedError(Exception):
    """A request that is not carried out.

    status: the HTTP status of the answer.
    reason: a message id of the catalogue.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def check_settings(settings: Settings) -> None:
    """Raises SettingsError if the page would be open to the network, or if the token is too short."""
    if settings.web_token is None:
        if not is_loopback(settings.web_host):
            raise SettingsError(f"ANBU_WEB_HOST is {settings.web_host}, so the whole network could see the "
                                "page: set ANBU_WEB_TOKEN_FILE to a file with a token, or use 127.0.0.1")
    elif len(settings.web_token) < SHORTEST_TOKEN:
        raise SettingsError(f"ANBU_WEB_TOKEN: must have at least {SHORTEST_TOKEN} characters")


class Sessions:
    """Middleware for the session cookie. A key of the token signs the cookie, so a new token ends all sessions.

    The cookie is marked Secure if the page came by https.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        key = secrets.token_bytes(32) if token is None else token.encode()
        secret = hashlib.sha256(b"anbu session\0" + key).hexdigest()
        self._plain, self._secure = (
            SessionMiddleware(app, secret, session_cookie="anbu", max_age=SESSION_S, same_site="lax", https_only=https)
            for https in (False, True))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._secure if scope.get("scheme") == "https" else self._plain)(scope, receive, send)


class Gate:
    """Checks the token, and counts the wrong tokens of all callers together: behind a proxy callers look the same."""

    def __init__(self, token: str | None, real_time: Callable[[], float]) -> None:
        self._token, self._real_time = token, real_time
        self._wrong: deque[float] = deque(maxlen=WRONG_A_MINUTE)

    @property
    def needed(self) -> bool:
        return self._token is not None

    def is_open(self, request: Request) -> bool:
        if self._token is None or request.session.get("in"):
            return True
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        # A header comes as Latin-1, whatever its sender meant; the token is in UTF-8.
        return kind.lower() == "bearer" and self.fits(given.encode("latin-1").decode(errors="replace"))

    def fits(self, given: str) -> bool:
        """Whether a given token is right. Raises RefusedError after too many wrong tokens."""
        now = self._real_time()
        if len(self._wrong) == WRONG_A_MINUTE and now - self._wrong[0] < 60:
            raise RefusedError(429, TOO_MANY)
        if self._token is not None and hmac.compare_digest(given.encode(), self._token.encode()):
            return True
        self._wrong.append(now)
        return False


def csrf_token(request: Request) -> str:
    """The token that this session's forms carry."""
    token: str = request.session.setdefault("csrf", secrets.token_urlsafe(16))
    return token


async def checked_form(request: Request) -> FormData:
    """The form of a post. Raises RefusedError if the form does not come from a page of this session."""
    form = await request.form(max_files=0, max_fields=20)
    given, wanted = form.get("csrf"), request.session.get("csrf")
    if not isinstance(given, str) or not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise RefusedError(403, OUT_OF_DATE)
    return form


async def signed_in(request: Request) -> None:
    """A dependency of all routes but the login. Raises NotSignedInError."""
    if not request.app.state.web.gate.is_open(request):
        raise NotSignedInError
