"""SMS by your own Kannel server: its `sendsms` interface (Kannel user's guide, chapter 6).

    {"type": "kannel", "url": "http://127.0.0.1:13013/cgi-bin/sendsms", "user": "anbu",
     "password_file": "/run/routes/kannel", "from": "1666", "to": "+821012345678"}

A channel that sends questions to devices needs no `to`. A question is sent in the 7-bit alphabet, since in UCS-2 it
would need two SMS, and with a validity in whole minutes.

The request is a POST, so user, password and text are in no log of URLs. Success is 202 with `0: Accepted for delivery`
or `3: Queued for later delivery`; 503 is temporary. Kannel does not detect repetitions.
"""

import re
from typing import ClassVar, Final

from models.notifications.message import Message
from notifiers.fields import Fields
from notifiers.http import Http, check
from notifiers.ports import GiveUpError, Text

NUMBER: Final = re.compile(r"\+?\d{3,15}", re.ASCII)
_LONGEST: Final = 670  # ten parts of UCS-2


class Kannel:
    longest: ClassVar[int | None] = _LONGEST

    def __init__(self, url: str, headers: dict[str, str], to: str | None) -> None:
        self._url, self._headers, self._to, self._http = url, headers, to, Http()

    @classmethod
    def build(cls, fields: Fields) -> "Kannel":
        # One number only: with several, a retry would reach people who have the message already. A number of the
        # server's own country or a short number is accepted too.
        to = fields.receiver(NUMBER, "must be one telephone number such as +821012345678")
        return cls(fields.address("url"), {
            "X-Kannel-Username": fields.header("user"), "X-Kannel-Password": fields.header("password", secret=True),
            "X-Kannel-From": fields.header("from")}, to)

    async def send(self, message: Message) -> str:
        return await self._post(message.text[:_LONGEST].encode("utf-16-be"), {
            "X-Kannel-To": self._to or "", "X-Kannel-Coding": "2", "Content-Type": "text/plain; charset=UTF-16BE"})

    async def send_text(self, text: Text) -> None:
        await self._post(text.text.encode(), {
            "X-Kannel-To": text.to, "X-Kannel-Coding": "0", "X-Kannel-Validity": str(max(1, text.valid_s // 60)),
            "Content-Type": "text/plain; charset=UTF-8"})

    async def _post(self, content: bytes, headers: dict[str, str]) -> str:
        answer = await self._http.request("POST", self._url, headers=self._headers | headers, content=content)
        said = answer.text.strip()
        check(answer, said)
        if not said.startswith(("0:", "3:")):  # Kannel answers 202 to some messages that it refuses
            raise GiveUpError(said[:200])
        return said[:200]

    async def close(self) -> None:
        await self._http.close()
