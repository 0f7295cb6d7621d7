"""No page waits for the database, which may be away: its content is read into `Live` every 30 seconds.

The database has the people, the alerts that are older than the followed records, and the check-ins of today.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple, Protocol, TypeVar

from models.errors import ContractError
from models.json_object import JsonView
from models.times import format_date, format_time
from models.zones import local_day
from stores.errors import StoreError
from stores.ports import Trouble
from stores.projection.document import Document
from web.alerts import AlertOnPage, alert_of_document
from web.board import page_zone
from web.checkins import CheckIn, PersonCard, checkin_of, person_of
from web.live import Live

log = logging.getLogger(__name__)

REFRESH_S: Final = 30.0
RETRY_S: Final = 3.0
PATIENCE_S: Final = 4.0
UNDELIVERED_S: Final = 12 * 3600  # how long the page shows that a message was given up
Kind = TypeVar("Kind")


class HistoryQueries(Protocol):
    """The queries that the page sends to the database (stores/queries.py)."""

    async def people(self) -> list[Document]:
        """All people in care: `profile`, and `contact` with name, telephone and address."""

    async def open_alerts(self) -> list[Document]:
        """Active alerts and incidents with all their revisions."""

    async def checkins_of_day(self, day: str) -> list[Document]:
        """The newest result of each person's windows of a local date."""

    async def undelivered(self, since: str) -> list[Trouble]:
        """Channels on which a message was not delivered since a time."""

    async def person(self, subject: int) -> Document:
        """`person`, `checkins` and `alerts` of one person, newest first."""

    def close(self) -> None: ...


class HistoryAwayError(RuntimeError):
    """The database does not answer."""


class PersonHistory(NamedTuple):
    """The history of one person.

    person: None: nothing is known.
    checkins: by window.
    excuses: as caseworkers asked for them, oldest first.
    """

    person: PersonCard | None
    checkins: dict[int, CheckIn]
    alerts: list[AlertOnPage]
    excuses: list[JsonView]


class HistoryCache:
    """Reads the database into `Live`, again and again.

    away: whether the last attempt failed.
    read: whether at least one attempt succeeded.
    undelivered: channels on which messages were not delivered.
    changed: called when `away`, `read` or `undelivered` changes.
    """

    def __init__(self, queries: HistoryQueries, live: Live, now: Callable[[], float],
                 changed: Callable[[], None]) -> None:
        self._queries, self._live, self._now, self._changed = queries, live, now, changed
        self.away = False
        self.read = False
        self.undelivered: list[Trouble] = []

    async def run(self) -> None:
        """Refresh without end, every REFRESH_S; sooner if an unknown person comes, or if the database was away."""
        while True:
            before = (self.away, self.read, self.undelivered)
            try:
                await self.refresh()
            except HistoryAwayError as error:
                log.warning("the database does not answer (ANBU_MONGODB): %s", error)
            except Exception:  # old names are better than no names
                log.exception("the database cannot be read")
            if before != (self.away, self.read, self.undelivered):
                self._changed()
            await asyncio.sleep(RETRY_S)
            if not self.away:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._live.stranger.wait(), REFRESH_S)

    async def refresh(self) -> None:
        """Read all that the board needs once. Raises HistoryAwayError."""
        self._live.stranger.clear()
        self._live.take_people(_good(_person, await self._asked(self._queries.people())))
        for alert in _good(alert_of_document, await self._asked(self._queries.open_alerts())):
            self._live.take_alert(alert)
        today = local_day(page_zone(self._live.people.values()), int(self._now()))
        for checkin in _good(_checkin, await self._asked(self._queries.checkins_of_day(format_date(today)))):
            self._live.take_checkin(checkin)
        self.undelivered = await self._asked(self._queries.undelivered(
            format_time(max(0, int(self._now()) - UNDELIVERED_S))))
        self.read = True

    async def checkins_of_day(self, day: str) -> list[CheckIn]:
        """Raises HistoryAwayError."""
        return list(_good(_checkin, await self._asked(self._queries.checkins_of_day(day))))

    async def of_person(self, subject: int) -> PersonHistory:
        """Raises HistoryAwayError."""
        found = await self._asked(self._queries.person(subject))
        document = found["person"] or {}
        excuses = sorted((document.get("excuses") or {}).items(), key=lambda one: int(one[0]))
        return PersonHistory(
            next(_good(_person, [document]), None) if document.get("profile") else None,
            {one.window: one for one in _good(_checkin, found["checkins"])},
            list(_good(alert_of_document, found["alerts"])),
            [excuse for _, excuse in excuses])

    def close(self) -> None:
        self._queries.close()

    async def _asked(self, answer: Awaitable[Kind]) -> Kind:
        try:
            found = await asyncio.wait_for(answer, PATIENCE_S)
        except (StoreError, TimeoutError) as error:
            self.away = True
            raise HistoryAwayError(str(error) or "no answer") from error
        self.away = False
        return found


def _person(document: Document) -> PersonCard:
    return person_of(document["profile"], document.get("contact") or {})


def _checkin(document: Document) -> CheckIn:
    return checkin_of(document, document["ver"])


def _good(parse: Callable[[Document], Kind], documents: Iterable[Document]) -> Iterator[Kind]:
    """Parse documents, and skip those that cannot be read, so that they do not hide the others."""
    for document in documents:
        try:
            yield parse(document)
        except (ContractError, KeyError, TypeError, ValueError) as error:
            log.warning("%s cannot be read: %r", document.get("_id"), error)
