"""A signed webhook to your own program: the alert's CloudEvent, and a signature with a time.

    {"type": "webhook", "url": "https://example.org/anbu", "secret_file": "/run/routes/webhook"}

    X-Anbu-Timestamp: 1795467845
    X-Anbu-Signature: sha256=<hex>       HMAC-SHA256 (RFC 2104) of the secret over timestamp "." body
    Idempotency-Key: <delivery>          the same for every attempt, as are `source` and `id` of the event

docs/notify.md has a receiver that checks the signature. 2xx is success; Retry-After is heeded.
"""

from collections.abc import Callable
from time import time
from typing import ClassVar

import orjson

from models.notifications.message import Message
from models.signature import SIGNATURE, TIMESTAMP, sign
from notifiers.fields import Fields
from notifiers.http import Http, check, idempotency_key


class Webhook:
    """A channel to a program.

    now: returns epoch seconds.
    """

    longest: ClassVar[int | None] = None

    def __init__(self, url: str, secret: str, now: Callable[[], float] = time) -> None:
        self._url, self._secret, self._now, self._http = url, secret, now, Http()

    @classmethod
    def build(cls, fields: Fields) -> "Webhook":
        return cls(fields.address("url"), fields.secret("secret"))

    async def send(self, message: Message) -> str:
        body, timestamp = orjson.dumps(message.event), str(int(self._now()))
        answer = await self._http.request("POST", self._url, content=body, headers={
            "Content-Type": "application/cloudevents+json", TIMESTAMP: timestamp,
            SIGNATURE: sign(self._secret, timestamp, body), "Idempotency-Key": idempotency_key(message)})
        check(answer)
        return ""

    async def close(self) -> None:
        await self._http.close()
