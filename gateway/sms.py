"""What an adapter makes of a provider's request: an SMS as it arrived, or the reason why it is none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InboundSms:
    """id: the provider's; text or binary (base64 of an 8-bit SMS) is set."""

    id: str | None
    sender: str | None
    recipient: str | None
    text: str | None
    binary: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """What every adapter is given; header names are in lower case."""

    headers: dict[str, str]
    body: bytes


class Refused(Exception):
    """The request is not accepted: an HTTP status, and a sentence that says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
