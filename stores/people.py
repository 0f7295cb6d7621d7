"""A person is marked as erased before any document of them is deleted.

The mark is an entry in `erased`, which holds only the number. After that no process writes anything about the person,
and no other person gets the number. This file exports and deletes all documents of one person.
"""

from collections.abc import AsyncIterator, Iterable

from stores.connection import Database
from stores.days import Day, day_of_place, days_of_alert, days_of_checkin
from stores.errors import mapped
from stores.projection.collections import ALERTS, AUDIT, BUCKETS, CHECKINS, ERASED, PERSONAL, SCHEMA
from stores.projection.document import Document


class People:
    """Documents by person. Methods raise StoreAwayError.

    database: a database of Motor.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erased(self, subjects: Iterable[int | None]) -> set[int]:
        """Return the subjects that are erased."""
        asked = sorted({str(one) for one in subjects if one is not None})
        if not asked:
            return set()
        with mapped():
            found = await self._database[ERASED].find({"_id": {"$in": asked}}, {"_id": 1}).to_list(None)
        return {int(one["_id"]) for one in found}

    async def all_erased(self) -> set[int]:
        with mapped():
            return {int(one["_id"]) async for one in self._database[ERASED].find({}, {"_id": 1})}

    async def mark_erased(self, subject: int, at: str) -> None:
        """Mark a person as erased: nothing is written about them any more. at: kept from the first call only."""
        with mapped():
            await self._database[ERASED].update_one(
                {"_id": str(subject)}, {"$setOnInsert": {"schema": SCHEMA, "at": at}}, upsert=True)

    async def days(self, subject: int) -> set[Day]:
        """Return the days whose figures count a person, or may count them."""
        mine, days = {"subject": subject}, set[Day]()
        with mapped():
            async for one in self._database[CHECKINS].find(mine, {"day": 1, "revisions": 1}):
                days |= days_of_checkin(one)
            async for one in self._database[ALERTS].find(mine, {"window": 1, "opened_at": 1, "revisions": 1}):
                days |= days_of_alert(one)
            async for one in self._database[BUCKETS].find(mine, {"c.places": 1}):
                days |= {day_of_place(place) for place in (one.get("c") or {}).get("places") or ()}
        return days

    async def delete(self, subject: int) -> dict[str, int]:
        """Delete all documents of a person. Returns the number of documents by collection.

        The person's entries in the audit log stay, without their details.
        """
        counts: dict[str, int] = {}
        with mapped():
            for name in PERSONAL:
                done = await self._database[name].delete_many({"subject": subject})
                if done.deleted_count:
                    counts[name] = done.deleted_count
            await self._database[AUDIT].update_many({"subject": subject, "detail": {"$ne": {}}},
                                                    {"$set": {"detail": {}}})
        return counts

    async def documents(self, subject: int) -> AsyncIterator[tuple[str, Document]]:
        """Yield every document of a person as (collection, document), the audit log included."""
        for name in (*PERSONAL, AUDIT):
            with mapped():
                async for one in self._database[name].find({"subject": subject}).sort([("_id", 1)]):
                    yield name, one
