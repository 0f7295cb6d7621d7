"""Questions that the page asks of history."""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError

from stores.history import ALERTS, CHECKINS, PEOPLE, STATES
from stores.operations import Document

StoreError = PyMongoError


class Queries:
    """Reads of one database. url: mongodb://host:port/name."""

    def __init__(self, url: str) -> None:
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(url, serverSelectionTimeoutMS=2000)
        self._database = self._client.get_default_database(default="anbu")

    async def contacts(self) -> dict[int, dict[str, Any]]:
        """Name and telephone by subject."""
        found = self._database[PEOPLE].find({"contact": {"$exists": True}}, {"subject": 1, "contact": 1})
        return {one["subject"]: one["contact"] async for one in found}

    async def person(self, subject: int) -> dict[str, Any]:
        """profile, state, check-ins (newest first) and alerts (newest first) of a person; None where there is none."""
        key = str(subject)
        checkins = self._database[CHECKINS].find({"subject": subject}).sort([("day", -1), ("half", 1)]).limit(28)
        alerts = self._database[ALERTS].find({"subject": subject}).sort("opened_at", -1).limit(20)
        return {
            "person": await self._database[PEOPLE].find_one({"_id": key}),
            "state": await self._database[STATES].find_one({"_id": key}),
            "checkins": [one async for one in checkins],
            "alerts": [one async for one in alerts],
        }

    def close(self) -> None:
        self._client.close()
