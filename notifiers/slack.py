"""Slack by an Incoming Webhook (https://api.slack.com/messaging/webhooks). Its URL is the secret.

    {"type": "slack", "url_file": "/run/routes/slack"}

Answers: 200 `ok`; 429 with Retry-After; 400, 403, 404, 410 with a word such as `channel_is_archived` are permanent.
"""

from typing import ClassVar, Final

from models.notifications.message import Message
from notifiers.fields import Fields
from notifiers.http import NO_PROVIDER, Http, check, is_page
from notifiers.ports import RetryError

_LONGEST: Final = 2900  # characters; the text of a section may have 3000


class Slack:
    longest: ClassVar[int | None] = 2700  # characters; escaped ones become longer

    def __init__(self, url: str) -> None:
        self._url, self._http = url, Http()

    @classmethod
    def build(cls, fields: Fields) -> "Slack":
        return cls(fields.address("url", secret=True))

    async def send(self, message: Message) -> str:
        answer = await self._http.request("POST", self._url, json=body(message))
        check(answer, answer.text)
        if is_page(answer):
            raise RetryError(NO_PROVIDER)
        return ""

    async def close(self) -> None:
        await self._http.close()


def body(message: Message) -> dict[str, object]:
    """Return the body. `text` is shown in a notification on a telephone, the block in the channel."""
    lines = [f"*{_escaped(message.title)}*", *(_escaped(line) for line in message.lines)]
    if message.link is not None:
        lines.append(f"<{message.link}>")
    return {"text": _escaped(message.title),
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)[:_LONGEST]}}]}


def _escaped(text: str) -> str:
    """Escape the three control characters of Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
