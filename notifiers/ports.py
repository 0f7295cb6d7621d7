"""A channel sends a message, and may fail in only two ways: RetryError and GiveUpError."""

from typing import ClassVar, Final, Protocol

from models.notifications.message import Message

ATTEMPT_S: Final = 15.0  # the most that one `send` may take


class RetryError(Exception):
    """A retry may succeed later.

    after_s: the earliest retry in seconds, if the other side says so.
    unsure: the message may have arrived all the same.
    """

    def __init__(self, why: str, after_s: float | None = None, *, unsure: bool = False) -> None:
        super().__init__(why)
        self.after_s, self.unsure = after_s, unsure


class GiveUpError(Exception):
    """A retry will never succeed: an operator has to fix the routes file or the receiver."""


class Channel(Protocol):
    """One destination of messages. A message that is sent again has the same id.

    The text of an error contains no address, key or password, because the page shows it.

    longest: the longest text of a message that arrives whole, characters. None: a program reads each event, so no
    messages are gathered into one.
    """

    longest: ClassVar[int | None]

    async def send(self, message: Message) -> str:
        """Send a message. Returns the receiver's id of it, or "", when it is taken. Raises RetryError, GiveUpError."""

    async def close(self) -> None: ...
