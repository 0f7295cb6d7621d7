"""The page merges alerts by id and revision, from the topic and from the database.

These two may bring the same revision twice, and an older revision after a newer one. So merging is commutative and
idempotent: in any order the newest revision counts, and no step is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from models.contract.alerts import Change, ClearReason, Kind
from models.errors import ContractError
from models.json_object import JsonView
from models.times import DAY, parse_time


class AlertStep(NamedTuple):
    """One revision of an alert.

    at: epoch seconds.
    why: the sentence, by language.
    """

    revision: int
    at: int
    change: str
    why: Mapping[str, str]
    by: str | None = None
    text: str | None = None
    escalated_to: str | None = None
    reason: str | None = None
    outcome: str | None = None


class Key(NamedTuple):
    """The key of an alert. Each lane counts the revisions of an incident for itself.

    lane: the lane of an incident; None: an alert on a person.
    """

    alert: str
    lane: int | None


@dataclass(frozen=True, slots=True)
class AlertOnPage:
    """An alert as of its newest known revision. Times are epoch seconds.

    Kinds and changes are text: a newer worker may know more of them than this page, and the page must show them too.

    subject: None for an incident, which has a gateway and a lane instead.
    steps: the known revisions, oldest first.
    """

    key: Key
    subject: int | None
    gateway: str | None
    site: str | None
    kind: str
    severity: str
    active: bool
    acknowledged_by: str | None
    assignee: str | None
    window: str | None
    opened_at: int
    steps: tuple[AlertStep, ...]

    @property
    def newest(self) -> AlertStep:
        return self.steps[-1]

    @property
    def held(self) -> bool:
        """Whether the alert is held back in an outage: it is not notified until it is released (rule 18)."""
        for step in reversed(self.steps):
            if step.change in (Change.HELD, Change.RELEASED, Change.OPENED, Change.REOPENED):
                return step.change == Change.HELD
        return False

    @property
    def comments(self) -> list[AlertStep]:
        return [step for step in self.steps if step.text or step.outcome]

    def may_reopen(self, now: int) -> bool:
        """Whether a caseworker may open it again: a caseworker closed it less than a day ago (rule 15)."""
        return not self.active and self.newest.reason == ClearReason.RESOLVED and now - self.newest.at < DAY


def alert_of_event(event: JsonView) -> AlertOnPage:
    """The alert of a record of the topic `alerts`. Raises ContractError if the record breaks the contract."""
    try:
        data, subject = event["data"], event["subject"]
        return _alert(data, subject, [(data["revision"], {**data, "at": data["changed_at"]})])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContractError(f"alert: {error}") from None


def alert_of_document(document: JsonView) -> AlertOnPage:
    """The alert of a document of the database, which has the current revision, and all steps by their number."""
    steps = [(int(number), step) for number, step in document["revisions"].items()]
    subject = document["gateway"] if document["kind"] == Kind.GATEWAY_OUTAGE else document["subject"]
    return _alert(document, subject, steps)


def _alert(data: JsonView, subject: Any, steps: list[tuple[int, JsonView]]) -> AlertOnPage:
    incident, lane = data["kind"] == Kind.GATEWAY_OUTAGE, data.get("lane")
    return AlertOnPage(
        key=Key(str(data["alert"]), None if lane is None else int(lane)),
        subject=None if incident else int(subject),
        gateway=str(subject) if incident else None,
        site=_text(data["site"]),
        kind=str(data["kind"]),
        severity=str(data["severity"]),
        active=bool(data["active"]),
        acknowledged_by=_text(data["acknowledged_by"]),
        assignee=_text(data["assignee"]),
        window=_text(data["window"]),
        opened_at=parse_time(data["opened_at"], "opened_at"),
        steps=tuple(_step(number, step) for number, step in sorted(steps, key=lambda one: one[0])),
    )


def _step(number: int, data: JsonView) -> AlertStep:
    why = {str(language): str(sentence) for language, sentence in data["why"].items()}
    return AlertStep(
        revision=int(number), at=parse_time(data["at"], "at"), change=str(data["change"]), why=why,
        by=_text(data["by"]), text=_text(data["text"]), escalated_to=_text(data["escalated_to"]),
        reason=_text(data["reason"]), outcome=_text(data.get("outcome")),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def merge(one: AlertOnPage | None, other: AlertOnPage) -> AlertOnPage:
    """Merge two versions of an alert: the facts of the newer version, the steps of both."""
    if one is None:
        return other
    steps = {step.revision: step for step in (*other.steps, *one.steps)}
    newer = other if other.newest.revision > one.newest.revision else one
    return replace(newer, steps=tuple(steps[number] for number in sorted(steps)))
