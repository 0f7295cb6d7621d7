"""HTTP to a provider: one request an attempt, and what each answer means, in one function for all of them."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from models.notifications.message import Message
from notifiers.causes import cause
from notifiers.ports import GiveUpError, RetryError
from notifiers.retry_after import retry_after

ANSWER_S: Final = 10.0
NO_PROVIDER: Final = "somebody else answers there: see the URL"
_RETRY: Final = frozenset({408, 425, 429})
_UNSURE: Final = frozenset({500, 502, 504})  # something behind the one who answers may have taken it


class Http:
    """A client that follows no redirects: what is told about people goes where the routes say, and nowhere else."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=ANSWER_S, follow_redirects=False,
                                         headers={"user-agent": "anbu"})

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """The answer, whatever its status. Raises RetryError where there is none."""
        try:
            return await self._client.request(method, url, **options)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryError(f"nobody answers: {cause(error)}") from None
        except httpx.RequestError as error:  # also an answer that is packed wrongly
            raise RetryError(f"no whole answer: {cause(error)}", unsure=True) from None

    async def close(self) -> None:
        await self._client.aclose()


def check(answer: httpx.Response, said: str | None = None) -> None:
    """Raises RetryError or GiveUpError unless it was taken. said: what the provider says is wrong."""
    status = answer.status_code
    if 200 <= status < 300:
        return
    why = f"HTTP {status}" + (f": {said[:200]}" if said else "")
    if status in _RETRY or status >= 500:
        raise RetryError(why, retry_after(answer.headers.get("retry-after"), datetime.now(UTC)),
                         unsure=status in _UNSURE)
    raise GiveUpError(why)


def is_page(answer: httpx.Response) -> bool:
    """A web page instead of what a provider says: somebody else answers there and tells nobody, for good or for now, as
    one who asks for a login does, or tells of repairs."""
    return answer.text.lstrip()[:9].lower().startswith(("<!doctype", "<html"))


def idempotency_key(message: Message) -> str:
    """The delivery's id as a header may have it: a gateway's name can be any text."""
    return quote(message.id, safe="/:.@-")
