"""SMS, or other messages, by any HTTP interface that takes JSON or a form.

    {"type": "http", "url": "https://sms.example.org/send", "authorization_file": "/run/routes/sms",
     "to": "+821012345678", "json": {"recipient": "{to}", "message": "{text}", "reference": "{id}"},
     "expect": "\"result\":\"1\""}

In each text of `json` (or `form`) {to}, {text}, {title}, {link} and {id} are replaced. A channel without `to` may send
questions to devices: then the body has {to} and {text}, and may have {id} and {valid_s}, the seconds until the
question is worth nothing. The header Idempotency-Key has
the delivery's id (draft-ietf-httpapi-idempotency-key-header): the same for every attempt. 2xx is success. For a
provider that refuses with 200, set `expect`: then success is only an answer that contains this text.
"""

import re
from typing import Any, ClassVar, Final

from models.json_object import JsonObject
from models.notifications.message import Message
from notifiers.fields import Fields
from notifiers.http import Http, check, header_value
from notifiers.ports import RetryError, Text

_NAMES: Final = ("to", "text", "title", "link", "id")
_NAMES_OF_A_TEXT: Final = ("to", "text", "id", "valid_s")
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
        place, names = "json" if form is None else "form", asked(form or document)
        if not fields.asks_alone:
            _check_names(fields, place, names)
        if fields.asks:
            _check_names_of_a_text(fields, place, names)
        return cls(fields.one_of("method", "POST", ("POST", "PUT")), fields.address("url"), headers,
                   fields.text("to", "-"), {"json": document} if form is None else {"data": form},
                   fields.text("expect") if fields.has("expect") else "")

    async def send(self, message: Message) -> str:
        values = dict(zip(_NAMES, (self._to, message.text, message.title, message.link or "", message.id), strict=True))
        await self._request(message.id, values)
        return ""

    async def send_text(self, text: Text) -> None:
        await self._request(text.id, dict(zip(_NAMES_OF_A_TEXT, (text.to, text.text, text.id, str(text.valid_s)),
                                              strict=True)))

    async def _request(self, key: str, values: dict[str, str]) -> None:
        headers = {**self._headers, "Idempotency-Key": header_value(key)}
        answer = await self._http.request(self._method, self._url, headers=headers, **filled(self._body, values))
        check(answer)
        if self._expect not in answer.text:  # the answer is not shown: it may repeat the number or the message
            raise RetryError(f"HTTP {answer.status_code}, but the answer lacks the text of `expect`", unsure=True)

    async def close(self) -> None:
        await self._http.close()


def _check_names(fields: Fields, place: str, names: set[str]) -> None:
    """Raise RoutesError for a body without a message: it would arrive, get a receipt, and inform no person."""
    if not names & {"text", "title"}:
        raise fields.wrong(place, "lacks {text} and {title}: the message would not say what has happened")
    if "to" in names and not fields.has("to"):
        raise fields.wrong("to", f"is missing, but {place} has {{to}} in it")


def _check_names_of_a_text(fields: Fields, place: str, names: set[str]) -> None:
    """Raise RoutesError for a body by which no question would arrive at its device."""
    for name in ("to", "text"):
        if name not in names:
            raise fields.wrong(place, f"has no {{{name}}} in it: no question would arrive")
    known = [name for name in _NAMES_OF_A_TEXT if fields.asks_alone or name in _NAMES]
    for name in sorted(names.difference(known)):
        raise fields.wrong(place, f"has {{{name}}} in it; questions by this channel may have {', '.join(known)}")


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
