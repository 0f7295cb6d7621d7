"""A revision of an alert, as the notifier reads it from the topic `alerts`.

Kinds and changes are kept as text: a worker that is newer than the notifier may know more of them, and such a revision
must be notified too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.contract.alerts import Kind
from models.contract.records import optional_text, text_of
from models.errors import ContractError
from models.times import parse_time

SUBJECTS = 1 << 32


@dataclass(frozen=True, slots=True)
class Notice:
    """One revision of an alert or an incident.

    acknowledged: whether a caseworker has acknowledged the alert, as of this revision.
    subject, site: None for an incident.
    gateway, lane: of an incident; None for any other alert.
    changed_at: epoch seconds.
    command: the id of the command that caused the revision; None: no command did.
    why: by language, the sentence that says why.
    event: the whole record, a CloudEvent.
    """

    alert: str
    revision: int
    change: str
    kind: str
    severity: str
    active: bool
    acknowledged: bool
    subject: int | None
    gateway: str | None
    lane: int | None
    site: str | None
    changed_at: int
    escalated_to: str | None
    reason: str | None
    likely: str | None
    command: str | None
    why: Mapping[str, str]
    event: Mapping[str, Any]

    @property
    def thread(self) -> str:
        """The name that all revisions of the alert share; for an incident also those of other lanes."""
        return f"{'gateway' if self.subject is None else self.subject}/{self.alert}"


def notice_of(event: Mapping[str, Any]) -> Notice:
    """Raises ContractError with the name of the field that is missing or wrong."""
    data = event.get("data")
    if not isinstance(data, Mapping):
        raise ContractError("data")
    kind, incident = text_of(data, "kind"), data.get("kind") == Kind.GATEWAY_OUTAGE
    why = data.get("why")
    if not isinstance(why, Mapping) or not all(isinstance(one, str) for pair in why.items() for one in pair):
        raise ContractError("why")
    cause = data.get("cause")
    return Notice(
        alert=text_of(data, "alert"), revision=_whole(data, "revision"), change=text_of(data, "change"), kind=kind,
        severity=text_of(data, "severity"), active=data.get("active") is True,
        acknowledged=data.get("acknowledged_by") is not None, subject=None if incident else _subject(event),
        gateway=text_of(event, "subject") if incident else None, lane=_whole(data, "lane", 0) if incident else None,
        site=None if incident else text_of(data, "site"),
        changed_at=parse_time(data.get("changed_at"), "changed_at"),
        escalated_to=optional_text(data, "escalated_to"), reason=optional_text(data, "reason"),
        likely=optional_text(cause, "likely") if isinstance(cause, Mapping) else None,
        command=optional_text(data, "command"), why=dict(why), event=event,
    )


def _whole(data: Mapping[str, Any], field: str, least: int = 1) -> int:
    value = data.get(field)
    if type(value) is not int or value < least:
        raise ContractError(field)
    return value


def _subject(event: Mapping[str, Any]) -> int:
    text = text_of(event, "subject")
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) >= SUBJECTS:
        raise ContractError("subject")
    return int(text)
