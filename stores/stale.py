"""Each batch marks its days as stale before the position in the topic moves; their figures are computed a little later.

Many marks of a day need only one computation. A mark stands in the document of the day. So a process that dies leaves
either a batch that comes again, or a mark that another process finds. A process claims a day before it computes the
figures, and writes them only while it has the claim: a process that was frozen meanwhile overwrites no newer figures.
A mark that was set after the sources were read stays.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from pymongo import DeleteOne, ReplaceOne, UpdateOne

from models.window import HALVES
from stores import bulk
from stores.connection import Database
from stores.days import Day, DayReader
from stores.errors import mapped
from stores.projection.collections import BY_NAME, DAYS
from stores.projection.document import Document

EVERY_S: Final = 10.0   # the figures of a day are computed at most so often, however many batches touch the day
CLAIM_S: Final = 60.0   # after this time another process may claim the day
AT_ONCE: Final = 10     # days; the sources of all of them are in memory together


class StaleDays:
    """Marks of days, and their computation. Times are epoch seconds. Methods raise StoreAwayError.

    database: a database of Motor.
    """

    def __init__(self, database: Database) -> None:
        self._database, self._reader = database, DayReader(database)

    async def mark(self, days: Iterable[Day], due: float) -> None:
        """Mark days as stale: their stored figures may be wrong.

        due: the time of the computation; a day that is marked or claimed already keeps its own.
        """
        await bulk.write(self._database, DAYS, {day.id: _marked(day, due) for day in sorted(days)})

    async def hold(self, days: Iterable[Day], until: float) -> None:
        """Mark days as stale, and end every claim: no process computes them with `make_due` before `until`."""
        await bulk.write(self._database, DAYS, {day.id: _marked(day, until, held=True) for day in sorted(days)})

    async def make_due(self, now: float) -> int:
        """Compute the figures of some due days. Returns the number of days; 0 if none is due."""
        with mapped():
            found = await self._database[DAYS].find({"stale.due": {"$lte": now}}, {"_id": 1}).sort(
                [("stale.due", 1)]).limit(AT_ONCE).to_list(None)
            return len(await self._make([one["_id"] for one in found], {"stale.due": {"$lte": now}}, now))

    async def make(self, days: Iterable[Day], now: float) -> None:
        """Compute the figures of the marked days among `days`, due or not, claimed or not."""
        ids = sorted(day.id for day in days)
        for start in range(0, len(ids), AT_ONCE):
            with mapped():
                await self._make(ids[start:start + AT_ONCE], {"stale": {"$exists": True}}, now)

    async def wrong(self, days: Iterable[Day]) -> set[Day]:
        """Return the days that have wrong figures and no mark."""
        ones, wrong = sorted(days), set[Day]()
        for start in range(0, len(ones), AT_ONCE):
            with mapped():
                some = set(ones[start:start + AT_ONCE])
                stored = {one["_id"]: one async for one in self._database[DAYS].find(
                    {"_id": {"$in": [day.id for day in some]}})}
                made = await self._reader.figures(some)
            wrong |= {day for day in some if made.get(day.id) != (there := stored.get(day.id))
                      and (there is None or "stale" not in there)}
        return wrong

    async def _make(self, ids: list[str], where: Document, now: float) -> list[str]:
        """Claim the documents that match `where`, and compute their figures. Returns the claimed _ids."""
        if not ids:
            return []
        days, mine = self._database[DAYS], {"stale.claim": uuid4().hex}
        await days.update_many({"_id": {"$in": ids}, **where}, {"$set": {**mine, "stale.due": now + CLAIM_S}})
        # The mark is read before the sources: a later write of a source sets another mark.
        marks = {one["_id"]: (Day(one["day"], one["site"]), one["stale"]["mark"]) async for one in days.find(
            {"_id": {"$in": ids}, **mine}, {"day": 1, "site": 1, "stale.mark": 1})}
        if not marks:
            return []
        made = await self._reader.figures({day for day, _ in marks.values()})
        done = await days.bulk_write([
            ReplaceOne({"_id": key, **mine, "stale.mark": mark}, made[key]) if key in made else
            DeleteOne({"_id": key, **mine, "stale.mark": mark}) for key, (_, mark) in marks.items()], ordered=False)
        if done.modified_count + done.deleted_count < len(marks):  # some days were marked again meanwhile
            await days.bulk_write([UpdateOne({"_id": key, **mine}, {"$set": {
                **made.get(key, _nothing(day)), "stale.claim": None, "stale.due": now + EVERY_S}})
                for key, (day, _) in marks.items()], ordered=False)
        return list(marks)


def _marked(day: Day, due: float, *, held: bool = False) -> UpdateOne:
    mark = uuid4().hex
    stale = {"mark": mark, "due": due, "claim": mark} if held else \
        {"mark": mark, "due": {"$ifNull": ["$stale.due", due]}, "claim": {"$ifNull": ["$stale.claim", None]}}
    return UpdateOne({"_id": day.id}, [{"$replaceWith": {"$mergeObjects": [
        {"$literal": _nothing(day)}, "$$ROOT", {"stale": stale}]}}], upsert=True)


def _nothing(day: Day) -> Document:
    """Return the document of a new day, before its figures are computed for the first time."""
    return {"schema": BY_NAME[DAYS].schema, "day": day.day, "site": day.site,
            "checkins": {half: {} for half in HALVES}, "alerts": {}, "woke": None, "sms": {"n": 0, "late": 0},
            "dated": datetime.fromisoformat(day.day).replace(tzinfo=UTC)}
