"""The commands of caseworkers, from topic `commands`."""

import re
from enum import StrEnum
from typing import Final

from models.base import Value
from models.contract.records import Document, dates_of, name_of, optional_name, optional_text, subject_of
from models.errors import ContractError
from models.times import parse_time

_OUTCOME: Final = re.compile(r"[a-z_]{1,40}", re.ASCII)


class CommandType(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    COMMENT = "comment"
    RESOLVE = "resolve"
    EXCUSE = "excuse"
    UNEXCUSE = "unexcuse"
    UNACKNOWLEDGE = "unacknowledge"
    REOPEN = "reopen"


class Command(Value, frozen=True):
    """One command of a caseworker.

    by: the caseworker.
    at: epoch seconds.
    alert: the id of the alert; None for `excuse` and `unexcuse`.
    first, last: local dates of `excuse` and `unexcuse`, both included, in days since 2020-01-01; else None.
    outcome: a word for what the caseworker found, of `comment` and `resolve`; else None.
    """

    id: str
    type: CommandType
    subject: int
    by: str
    at: int
    alert: str | None = None
    text: str | None = None
    assignee: str | None = None
    first: int | None = None
    last: int | None = None
    outcome: str | None = None


class IncidentCommand(Value, frozen=True):
    """One command on the incident of a gateway; it is written into every partition. Fields as of `Command`."""

    id: str
    type: CommandType
    gateway: str
    by: str
    at: int
    alert: str
    text: str | None = None
    assignee: str | None = None
    outcome: str | None = None


OF_INCIDENTS: Final = frozenset({CommandType.ACKNOWLEDGE, CommandType.ASSIGN, CommandType.COMMENT})


def read_command(document: Document) -> Command | IncidentCommand:
    """Read a command on a person or on an incident. Raises ContractError as `parse_command`."""
    if document.get("subject") is None and document.get("gateway") is not None:
        return _parse_incident_command(document)
    return parse_command(document)


def parse_command(document: Document) -> Command:
    """Read a command on a person. Raises ContractError with the first field that is missing or wrong."""
    command_id = name_of(document, "id")
    try:
        kind = CommandType(name_of(document, "type"))
    except ValueError:
        raise ContractError("type") from None
    subject, by, at = subject_of(document), name_of(document, "by"), parse_time(document.get("at"), "at")
    if kind in (CommandType.EXCUSE, CommandType.UNEXCUSE):
        first, last = dates_of(document)
        return Command(command_id, kind, subject, by, at, text=optional_name(document, "text"), first=first, last=last)
    alert, text, assignee, outcome = _of_an_alert(document, kind)
    return Command(
        id=command_id, type=kind, subject=subject, by=by, at=at, alert=alert, text=text, assignee=assignee,
        outcome=outcome,
    )


def _parse_incident_command(document: Document) -> IncidentCommand:
    command_id, kind = name_of(document, "id"), name_of(document, "type")
    if kind not in OF_INCIDENTS:
        raise ContractError("type")
    gateway, by, at = name_of(document, "gateway"), name_of(document, "by"), parse_time(document.get("at"), "at")
    alert, text, assignee, outcome = _of_an_alert(document, CommandType(kind))
    return IncidentCommand(
        id=command_id, type=CommandType(kind), gateway=gateway, by=by, at=at, alert=alert, text=text,
        assignee=assignee, outcome=outcome,
    )


def _of_an_alert(document: Document, kind: CommandType) -> tuple[str, str | None, str | None, str | None]:
    """(alert, text, assignee, outcome) of a command on an alert."""
    alert = name_of(document, "alert")
    assignee = name_of(document, "assignee") if kind is CommandType.ASSIGN else None
    text = name_of(document, "text") if kind is CommandType.COMMENT else optional_name(document, "text")
    outcome = _outcome(document) if kind in (CommandType.COMMENT, CommandType.RESOLVE) else None
    return alert, text, assignee, outcome


def _outcome(document: Document) -> str | None:
    outcome = optional_text(document, "outcome")
    if outcome is not None and _OUTCOME.fullmatch(outcome) is None:
        raise ContractError("outcome")
    return outcome
