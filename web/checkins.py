"""The newest revision of a window counts, from the topic or from the database. Check-ins and people of the page."""

from dataclasses import dataclass
from typing import NamedTuple

from models.contract.registry import parse_profile
from models.errors import ContractError
from models.json_object import JsonView
from models.profile import Profile
from models.times import parse_time
from models.window import Window


class CheckIn(NamedTuple):
    """The result of one window of one person.

    window: days since 2020-01-01 × 2 + half.
    repaired: whether a later report filled the result in.
    at: epoch seconds.
    """

    subject: int
    site: str
    window: int
    revision: int
    result: str
    repaired: bool
    at: int


@dataclass(frozen=True, slots=True)
class PersonCard:
    """A person's personal data (only the database has it), and the schedule of the person's windows."""

    subject: int
    profile: Profile
    name: str | None = None
    telephone: str | None = None
    address: str | None = None


def checkin_of(document: JsonView, revision: int | None = None) -> CheckIn:
    """The check-in of a `checkin` record. Raises ContractError.

    revision: the revision, if the id does not have it.
    """
    try:
        number = int(document["id"].rpartition("#")[2]) if revision is None else revision
        return CheckIn(
            subject=int(document["subject"]), site=str(document["site"]), window=Window.parse(document["window"]),
            revision=number, result=str(document["result"]), repaired=bool(document["repaired"]),
            at=parse_time(document["at"], "at"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContractError(f"checkin: {error}") from None


def person_of(profile: JsonView, personal: JsonView) -> PersonCard:
    """A person from the operational profile (here without devices) and the personal data."""
    parsed = parse_profile({**profile, "devices": []})
    return PersonCard(parsed.subject, parsed, personal.get("name"), personal.get("telephone"), personal.get("address"))
