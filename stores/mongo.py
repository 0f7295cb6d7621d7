"""MongoDB, written so that delivery at least once is enough. Driver calls stand here and in `queries`, nowhere else.

Motor reached its end of life in May 2026; PyMongo's AsyncMongoClient has the same methods and replaces it here.
"""

from collections import defaultdict
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern
from pymongo.errors import BulkWriteError, PyMongoError

from stores.history import ALERTS, BUCKETS, CHECKINS, DAYS, DEVICES, INCIDENTS, PEOPLE, STATES, day_figures
from stores.operations import Change, Document

StoreError = PyMongoError
INDEXES = {
    ALERTS: [[("active", 1), ("site", 1)], [("subject", 1), ("opened_at", -1)], [("site", 1), ("opened_at", 1)]],
    INCIDENTS: [[("active", 1)]],
    CHECKINS: [[("day", 1), ("site", 1)], [("subject", 1), ("day", -1)]],
    BUCKETS: [[("subject", 1), ("period", 1)]],
    PEOPLE: [[("site", 1)]],
    DAYS: [[("day", 1), ("site", 1)]],
    STATES: [[("site", 1)]],
    DEVICES: [[("attrs.k", 1), ("attrs.v", 1)]],
}


class Store:
    """One database. url: mongodb://host:port/name."""

    def __init__(self, url: str) -> None:
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(url, serverSelectionTimeoutMS=3000)
        self.database = self._client.get_default_database(
            default="anbu", write_concern=WriteConcern("majority", j=True))

    async def prepare(self) -> None:
        """Create the indexes; doing it again changes nothing."""
        for collection, indexes in INDEXES.items():
            for keys in indexes:
                await self.database[collection].create_index(keys)

    async def apply(self, changes: list[Change]) -> None:
        """Apply changes, one operation a document; what failed is tried once more. Raises StoreError."""
        by_collection: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            by_collection[change.collection].append(change)
        for collection, ones in by_collection.items():
            try:
                await self.database[collection].bulk_write([one.operation() for one in ones], ordered=False)
            except BulkWriteError as error:
                failed = [ones[one["index"]] for one in error.details["writeErrors"]]
                await self.database[collection].bulk_write([one.operation() for one in failed], ordered=False)

    async def refresh_days(self, days: set[tuple[str, str]]) -> None:
        """Make the figures of (day, site) anew from what is stored."""
        for day, site in sorted(days):
            checkins = [one async for one in self.database[CHECKINS].find(
                {"day": day, "site": site}, {"half": 1, "result": 1, "ver": 1})]
            alerts = [one async for one in self.database[ALERTS].find(
                {"site": site, "opened_at": {"$gte": f"{day}T00:00:00Z", "$lte": f"{day}T23:59:59Z"}},
                {"kind": 1, "ver": 1})]
            version, figures = day_figures(checkins, alerts)
            await self.apply([Change(DAYS, f"{day}/{site}", version, {"day": day, "site": site, **figures})])

    async def set_contact(self, subject: int, contact: dict[str, Any]) -> None:
        """Name, telephone and address of a person: personal data, which lives here only."""
        await self.database[PEOPLE].update_one({"_id": str(subject)}, {"$set": {"subject": subject, "contact": contact}},
                                               upsert=True)

    def close(self) -> None:
        self._client.close()
