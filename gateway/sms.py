"""An adapter turns a provider's request into an SMS as it arrived, or into the reason of a refusal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InboundSms:
    """An SMS from a provider.

    id: the provider's id.
    text, binary: one of them is set; binary is base64 of an 8-bit SMS.
    """

    id: str | None
    sender: str | None
    recipient: str | None
    text: str | None
    binary: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """The request that an adapter gets. Header names are in lower case."""

    headers: dict[str, str]
    body: bytes


class Refused(Exception):
    """The request is not accepted.

    status: the HTTP status.
    message: a sentence that says what to do.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
