"""A channel sends a message, and may fail in only two ways: RetryError and GiveUpError.

Some channels can also send a text to any telephone number: the questions to devices go by them.
"""

from typing import ClassVar, Final, NamedTuple, Protocol, runtime_checkable

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


class Text(NamedTuple):
    """A text to one telephone number.

    id: the same for every attempt.
    to: the number, E.164.
    text: ASCII that needs one SMS.
    valid_s: seconds from now; after them the text is worth nothing, and the provider should not deliver it.
    """

    id: str
    to: str
    text: str
    valid_s: int


@runtime_checkable
class TextChannel(Protocol):
    """A channel that can send an SMS to a number of the caller's choice."""

    async def send_text(self, text: Text) -> None:
        """Send a text. Returns when it is taken. Raises RetryError, GiveUpError."""

    async def close(self) -> None: ...
