"""What a channel has to do, and the only two ways in which it may fail."""

from typing import ClassVar, Protocol

from models.notifications.message import Message


class RetryError(Exception):
    """The same may succeed later. after_s: not before so many seconds, where the other side says so.

    unsure: it may have arrived all the same, as there was no answer.
    """

    def __init__(self, why: str, after_s: float | None = None, *, unsure: bool = False) -> None:
        super().__init__(why)
        self.after_s, self.unsure = after_s, unsure


class GiveUpError(Exception):
    """The same will never succeed: somebody has to mend the routes file, or what is at the other end."""


class Channel(Protocol):
    """One place that messages go to. A message that is sent again has the same id.

    Errors have no address, key or password in their text: it is shown on the page. longest: characters of a message's
    text that arrive whole; None: a program reads each event, so it gets no message that tells of many.
    """

    longest: ClassVar[int | None]

    async def send(self, message: Message) -> str:
        """Returns when the other side has taken it: what it calls it, or "". Raises RetryError, GiveUpError."""

    async def close(self) -> None: ...
