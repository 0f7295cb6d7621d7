"""What the page asks of history: reads only, each of them served by an index (`collections.py`).

Documents are returned as they are stored. Every method raises StoreAwayError while the database does not answer.
"""

from collections.abc import Mapping
from typing import Any, Final

from stores.connection import Connection, Database, Document
from stores.deliveries import troubles
from stores.errors import mapped
from stores.ports import Trouble
from stores.projection.collections import ALERTS, BUCKETS, CHECKINS, DELIVERIES, DEVICES, INCIDENTS, PEOPLE, STATES

RECENT_CHECKINS: Final = 28  # a fortnight of mornings and afternoons
RECENT_ALERTS: Final = 50
RECENT_WEEKS: Final = 4


class Queries:
    """Reads of one database. url: mongodb://host:port/name, else ValueError."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)
        self._database: Database = self._connection.database

    async def people(self, site: str | None = None) -> list[Document]:
        """Everybody with a profile, by number: `subject`, `site`, `profile`; where there are any, `contact` (name,
        telephone, address, notes) and `excuses` (by offset). site None: of all sites."""
        return await self._found(PEOPLE, {"gone": False} | _of(site), [("subject", 1)])

    async def open_alerts(self, site: str | None = None) -> list[Document]:
        """Active alerts, held ones too, and incidents of any site, each with all its `revisions` by number."""
        alerts = await self._found(ALERTS, {"active": True} | _of(site), [("opened_at", 1)])
        return alerts + await self._found(INCIDENTS, {"active": True}, [("opened_at", 1)])

    async def checkins_of_day(self, day: str, site: str | None = None) -> list[Document]:
        """The newest result of each person's windows of a local date; `ver` is the revision."""
        return await self._found(CHECKINS, {"day": day} | _of(site), [("subject", 1)])

    async def undelivered(self, since: str) -> list[Trouble]:
        """Channels by which somebody was not told at or after a time (RFC 3339, UTC), or is still not told."""
        return await troubles(self._database[DELIVERIES], since)

    async def person(self, subject: int) -> dict[str, Any]:
        """One person: `person` and `state` (None where there is none), `devices`, and newest first `checkins` (a
        fortnight), `alerts` (50) and `reports` (of four weeks in which there were any)."""
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

    async def _found(self, collection: str, where: Mapping[str, Any], order: list[tuple[str, int]],
                     limit: int = 0) -> list[Document]:
        with mapped():
            found: list[Document] = await self._database[collection].find(where).sort(order).limit(limit).to_list(None)
            return found

    def close(self) -> None:
        self._connection.close()


def timeline(buckets: list[Document]) -> list[Document]:
    """The reports of some weeks, newest first, each id once.

    A frame that was resent may stand in two weeks, where its own clock was not to be had: the report with the greater
    version has the better right to its id, as within a week.
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
