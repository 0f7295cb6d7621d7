"""The page only reads the history, and an index serves each query (`collections.py`).

Documents are returned as they are stored. Every method raises StoreAwayError while the database does not answer.
"""

from typing import Final

from models.json_object import JsonView
from stores.connection import Connection, Database
from stores.deliveries import troubles
from stores.errors import mapped
from stores.ports import Trouble
from stores.projection.collections import ALERTS, BUCKETS, CHECKINS, DELIVERIES, DEVICES, INCIDENTS, PEOPLE, STATES
from stores.projection.document import Document

RECENT_CHECKINS: Final = 28  # a fortnight of mornings and afternoons
RECENT_ALERTS: Final = 50
RECENT_WEEKS: Final = 4


class Queries:
    """Reads of one database. url: mongodb://host:port/name, else ValueError."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)
        self._database: Database = self._connection.database

    async def people(self, site: str | None = None) -> list[Document]:
        """Return all people with a profile, by number.

        Fields: `subject`, `site`, `profile`; if present, `contact` (name, telephone, address, notes) and `excuses` (by
        offset).
        site: None for all sites.
        """
        return await self._found(PEOPLE, {"gone": False} | _of(site), [("subject", 1)])

    async def open_alerts(self, site: str | None = None) -> list[Document]:
        """Return active alerts (held ones too) and all active incidents, each with all `revisions` by number."""
        alerts = await self._found(ALERTS, {"active": True} | _of(site), [("opened_at", 1)])
        return alerts + await self._found(INCIDENTS, {"active": True}, [("opened_at", 1)])

    async def checkins_of_day(self, day: str, site: str | None = None) -> list[Document]:
        """Return the newest result of each window of a local date; `ver` is the revision."""
        return await self._found(CHECKINS, {"day": day} | _of(site), [("subject", 1)])

    async def undelivered(self, since: str) -> list[Trouble]:
        """Return the channels with deliveries that failed at or after `since` (RFC 3339, UTC), or that struggle."""
        return await troubles(self._database[DELIVERIES], since)

    async def person(self, subject: int) -> Document:
        """Return the documents of one person.

        `person`, `state`: None if there is none.
        `devices`: by slot.
        `checkins` (the newest 28), `alerts` (50), `reports` (of the newest four weeks with reports): newest first.
        """
        mine = {"subject": subject}
        buckets = await self._found(BUCKETS, mine, [("period", -1)], RECENT_WEEKS)
        with mapped():
            return {
                "person": await self._database[PEOPLE].find_one({"_id": str(subject)}),
                "state": await self._database[STATES].find_one({"_id": str(subject)}),
                "devices": await self._found(DEVICES, mine, [("slot", 1)]),
                "checkins": await self._found(CHECKINS, mine, [("day", -1), ("half", 1)], RECENT_CHECKINS),
                "alerts": await self._found(ALERTS, mine, [("opened_at", -1)], RECENT_ALERTS),
                "reports": timeline(buckets),
            }

    async def _found(self, collection: str, where: JsonView, order: list[tuple[str, int]],
                     limit: int = 0) -> list[Document]:
        with mapped():
            found: list[Document] = await self._database[collection].find(where).sort(order).limit(limit).to_list(None)
            return found

    def close(self) -> None:
        self._connection.close()


def timeline(buckets: list[Document]) -> list[Document]:
    """Return the reports of some weeks, newest first, each id once.

    If the device's clock was unknown, a resent frame may stand in two weeks. The report with the greater version is
    returned, as within a week.
    """
    reports: dict[str, Document] = {}
    for bucket in buckets:
        for report in bucket["reports"].values():
            known = reports.get(report["id"])
            if known is None or known.get("ver", []) < report.get("ver", []):
                reports[report["id"]] = report
    return sorted(reports.values(), key=lambda one: (one["received_at"], one["id"]), reverse=True)


def _of(site: str | None) -> dict[str, str]:
    return {} if site is None else {"site": site}
