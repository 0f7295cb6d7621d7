"""SMS by Twilio's Messages resource (https://www.twilio.com/docs/messaging/api/message-resource).

    {"type": "twilio", "account": "AC…", "token_file": "/run/routes/twilio", "from": "+12025550123",
     "to": "+821012345678"}            or "service": "MG…" instead of "from"; "user": "SK…" with an API key's secret

A channel that sends questions to devices needs no `to`. A question has a `ValidityPeriod`, of ten hours at most.

Answers: 201 with the message's `sid`; 429 and 5xx are temporary. Other answers have a `code` and a `message`, and are
permanent. Twilio has no idempotency key.
"""

import re
from typing import ClassVar, Final

import httpx

from models.json_object import JsonObject
from models.notifications.message import Message
from notifiers.fields import Fields
from notifiers.http import NO_PROVIDER, Http, check
from notifiers.ports import RetryError, Text

API: Final = "https://api.twilio.com"
NUMBER: Final = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)  # E.164: Twilio takes no other form
_LONGEST: Final = 1600
_LONGEST_VALID_S: Final = 36_000  # Twilio refuses more with error 21624


class Twilio:
    longest: ClassVar[int | None] = _LONGEST

    def __init__(self, url: str, user: str, token: str, sender: dict[str, str], to: str | None) -> None:
        self._url, self._auth, self._sender, self._to, self._http = url, (user, token), sender, to, Http()

    @classmethod
    def build(cls, fields: Fields) -> "Twilio":
        account = fields.text("account")
        to = fields.receiver(NUMBER, "must be one telephone number with + and the country's code, such as "
                                     "+821012345678")
        sender = ({"MessagingServiceSid": fields.text("service")} if fields.has("service")
                  else {"From": fields.text("from")})
        return cls(f"{fields.address('url', API).rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json",
                   fields.text("user", account), fields.secret("token"), sender, to)

    async def send(self, message: Message) -> str:
        return await self._post({"To": self._to or "", **self._sender, "Body": message.text[:_LONGEST]})

    async def send_text(self, text: Text) -> None:
        valid_s = min(max(1, text.valid_s), _LONGEST_VALID_S)
        await self._post({"To": text.to, **self._sender, "Body": text.text, "ValidityPeriod": str(valid_s)})

    async def _post(self, form: dict[str, str]) -> str:
        answer = await self._http.request("POST", self._url, data=form, auth=self._auth)
        told = _json(answer)
        # The `message` of Twilio repeats the number; the code says the same.
        check(answer, f"Twilio error {told['code']}" if "code" in told else None)
        if "sid" not in told:
            raise RetryError(NO_PROVIDER)
        return str(told["sid"])

    async def close(self) -> None:
        await self._http.close()


def _json(answer: httpx.Response) -> JsonObject:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
