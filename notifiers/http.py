"""One function decides for all providers what an answer means; each attempt is one HTTP request."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from models.notifications.message import Message
from notifiers.causes import cause
from notifiers.ports import GiveUpError, RetryError
from notifiers.retry_after import retry_after

ANSWER_S: Final = 10.0
NO_PROVIDER: Final = "another server answers there: check the URL"
_RETRY: Final = frozenset({408, 425, 429})
_UNSURE: Final = frozenset({500, 502, 504})  # a server behind the one that answers may have taken the message


class Http:
    """A client that follows no redirects: messages about people go only to the addresses in the routes file."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=ANSWER_S, follow_redirects=False,
                                         headers={"user-agent": "anbu"})

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Return the answer, with any status. Raises RetryError if there is none."""
        try:
            return await self._client.request(method, url, **options)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryError(f"no server answers: {cause(error)}") from None
        except httpx.RequestError as error:  # also an answer with a wrong encoding
            raise RetryError(f"no complete answer: {cause(error)}", unsure=True) from None

    async def close(self) -> None:
        await self._client.aclose()


def check(answer: httpx.Response, said: str | None = None) -> None:
    """Raise RetryError or GiveUpError unless the message was taken. said: the provider's error text."""
    status = answer.status_code
    if 200 <= status < 300:
        return
    why = f"HTTP {status}" + (f": {said[:200]}" if said else "")
    if status in _RETRY or status >= 500:
        raise RetryError(why, retry_after(answer.headers.get("retry-after"), datetime.now(UTC)),
                         unsure=status in _UNSURE)
    raise GiveUpError(why)


def is_page(answer: httpx.Response) -> bool:
    """Whether the answer is a web page: then another server answers instead of the provider, and notifies no person.

    Examples are a page that asks for a login, and a page about repairs.
    """
    return answer.text.lstrip()[:9].lower().startswith(("<!doctype", "<html"))


def idempotency_key(message: Message) -> str:
    """Return the delivery's id in the form of a header's value."""
    return header_value(message.id)


def header_value(key: str) -> str:
    """Return an id in the form of a header's value: the id may have any text, such as a gateway's name."""
    return quote(key, safe="/:.@-")
