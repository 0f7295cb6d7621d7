"""The records of topic `asks`: a question to a device, with the SMS that carries it and the time until which it may go.

The judgement writes them, the agent `ask` sends them. The same question may come again, with the same text.
"""

from models.base import Value
from models.contract.records import MSISDN, Document, name_of, subject_of
from models.errors import ContractError
from models.times import parse_time
from models.window import Window


class Ask(Value, frozen=True):
    """One question to a device.

    site, gateway: of the person.
    slot: the device that is asked.
    window: the number of the window, as on the wire.
    number: the number of the question for this window, from 1 on.
    to: the device's telephone number, E.164.
    text: the SMS, with the sealed question in it.
    at: when the question was asked, epoch seconds.
    until: the deadline of the window, epoch seconds; the question may not be sent later.
    """

    subject: int
    site: str
    gateway: str
    slot: int
    window: int
    number: int
    to: str
    text: str
    at: int
    until: int

    @property
    def id(self) -> str:
        """Such as `2026-11-24:morning/2`: unique for a subject."""
        return f"{Window(self.window)}/{self.number}"


def parse_ask(document: Document) -> Ask:
    """Raises ContractError(field)."""
    if document.get("type") != "ask":
        raise ContractError("type")
    to = name_of(document, "to")
    if MSISDN.fullmatch(to) is None:
        raise ContractError("to")
    return Ask(
        subject=subject_of(document), site=name_of(document, "site"), gateway=name_of(document, "gateway"),
        slot=_number(document, "slot", 0, 7), window=Window.parse(name_of(document, "window")),
        number=_number(document, "number", 1, 255), to=to, text=name_of(document, "text"),
        at=parse_time(document.get("at"), "at"), until=parse_time(document.get("until"), "until"))


def _number(document: Document, field: str, low: int, high: int) -> int:
    value = document.get(field)
    if type(value) is not int or not low <= value <= high:
        raise ContractError(field)
    return value
