"""SMS, or other messages, by any HTTP interface that takes JSON or a form.

    {"type": "http", "url": "https://sms.example.org/send", "authorization_file": "/run/routes/sms",
     "to": "+821012345678", "json": {"recipient": "{to}", "message": "{text}", "reference": "{id}"},
     "expect": "\"result\":\"1\""}

In each text of `json` (or `form`) {to}, {text}, {title}, {link} and {id} are replaced. The header Idempotency-Key has
the delivery's id (draft-ietf-httpapi-idempotency-key-header): the same for every attempt. 2xx is success. For a
provider that refuses with 200, set `expect`: then success is only an answer that contains this text.
"""

import re
from typing import Any, ClassVar, Final

from models.json_object import JsonObject
from models.notifications.message import Message
from notifiers.fields import Fields
from notifiers.http import Http, check, idempotency_key
from notifiers.ports import RetryError

_NAMES: Final = ("to", "text", "title", "link", "id")
_ASKED: Final = re.compile(r"\{(\w+)\}")


class PlainHttp:
    """A channel by HTTP.

    body: the option `json` or `data` of httpx's request.
    """

    longest: ClassVar[int | None] = 670  # as many as an SMS may have

    def __init__(self, method: str, url: str, headers: dict[str, str], to: str, body: JsonObject,
                 expect: str) -> None:
        self._method, self._url, self._headers, self._to, self._body = method, url, headers, to, body
        self._expect = expect
        self._http = Http()

    @classmethod
    def build(cls, fields: Fields) -> "PlainHttp":
        headers = {}
        if fields.has("authorization", "authorization_file"):
            headers["Authorization"] = fields.header("authorization", secret=True)
        form, document = fields.get("form"), fields.get("json")
        if (form is None) == (document is None):
            raise fields.wrong("json", "set either json or form to the body that is sent, with {to} and {text} in it")
        if not isinstance(form or document, dict):
            raise fields.wrong("json" if form is None else "form", "must be an object")
        _check_names(fields, "json" if form is None else "form", asked(form or document))
        return cls(fields.one_of("method", "POST", ("POST", "PUT")), fields.address("url"), headers,
                   fields.text("to", "-"), {"json": document} if form is None else {"data": form},
                   fields.text("expect") if fields.has("expect") else "")

    async def send(self, message: Message) -> str:
        values = dict(zip(_NAMES, (self._to, message.text, message.title, message.link or "", message.id), strict=True))
        headers = {**self._headers, "Idempotency-Key": idempotency_key(message)}
        answer = await self._http.request(self._method, self._url, headers=headers, **filled(self._body, values))
        check(answer)
        if self._expect not in answer.text:  # the answer is not shown: it may repeat the number or the message
            raise RetryError(f"HTTP {answer.status_code}, but the answer lacks the text of `expect`", unsure=True)
        return ""

    async def close(self) -> None:
        await self._http.close()


def _check_names(fields: Fields, place: str, names: set[str]) -> None:
    """Raise RoutesError for a body without a message: it would arrive, get a receipt, and inform no person."""
    if not names & {"text", "title"}:
        raise fields.wrong(place, "lacks {text} and {title}: the message would not say what has happened")
    if "to" in names and not fields.has("to"):
        raise fields.wrong("to", f"is missing, but {place} has {{to}} in it")


def asked(value: Any) -> set[str]:
    """Return the names in braces in all texts of a structure."""
    if isinstance(value, dict | list):
        return {name for one in (value.values() if isinstance(value, dict) else value) for name in asked(one)}
    return set(_ASKED.findall(value)) if isinstance(value, str) else set()


def filled(value: Any, values: dict[str, str]) -> Any:
    """Return the structure with the names in its texts replaced. Braces in a replaced value stay as they are."""
    if isinstance(value, dict):
        return {name: filled(one, values) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, values) for one in value]
    if not isinstance(value, str):
        return value
    first, *rest = value.split("{")
    out = first
    for part in rest:
        name, brace, after = part.partition("}")
        out += values[name] + after if brace and name in values else "{" + part
    return out
