"""Figures of days follow what is written, a little later: a batch marks its days as stale, and many marks are one work.

A mark stands in the day's own document and is durable before the position in the topic moves. So whoever dies leaves
either a batch that comes again, or a mark that somebody finds. Who makes a day anew claims it first, and writes only
while the claim is theirs: one who was frozen meanwhile writes nothing over newer figures. A mark that was set after the
sources had been read stays.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from pymongo import DeleteOne, ReplaceOne, UpdateOne

from models.window import HALVES
from stores import bulk
from stores.days import Day, DayReader
from stores.errors import mapped
from stores.projection.collections import BY_NAME, DAYS
from stores.projection.operations import Document

EVERY_S: Final = 10.0   # a day is made anew at most so often, however many batches touch it
CLAIM_S: Final = 60.0   # who has not made it within this time is taken for dead
AT_ONCE: Final = 10     # days: what they are made from is in memory together


class StaleDays:
    """database: Motor's. Times are epoch seconds. Methods raise StoreAwayError."""

    def __init__(self, database: Any) -> None:
        self._database, self._reader = database, DayReader(database)

    async def mark(self, days: Iterable[Day], due: float) -> None:
        """From now on these figures may be others than stored. due: when they are to be made anew, if nothing is
        marked or claimed there yet."""
        await bulk.write(self._database, DAYS, {day.id: _marked(day, due) for day in sorted(days)})

    async def hold(self, days: Iterable[Day], until: float) -> None:
        """As `mark`, and nobody makes them anew before some time, whoever is about to."""
        await bulk.write(self._database, DAYS, {day.id: _marked(day, until, held=True) for day in sorted(days)})

    async def make_due(self, now: float) -> int:
        """Make some days anew whose time has come. Returns how many; 0: there are no more."""
        with mapped():
            found = await self._database[DAYS].find({"stale.due": {"$lte": now}}, {"_id": 1}).sort(
                [("stale.due", 1)]).limit(AT_ONCE).to_list(None)
            return len(await self._make([one["_id"] for one in found], {"stale.due": {"$lte": now}}, now))

    async def make(self, days: Iterable[Day], now: float) -> None:
        """Make those of some days anew that are marked, whatever their time, and whoever has claimed them."""
        ids = sorted(day.id for day in days)
        for start in range(0, len(ids), AT_ONCE):
            with mapped():
                await self._make(ids[start:start + AT_ONCE], {"stale": {"$exists": True}}, now)

    async def wrong(self, days: Iterable[Day]) -> set[Day]:
        """Those of some days that have other figures than they should, and no mark."""
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
        """Claim those of some documents that are as `where` says, and make them anew. Returns which those were."""
        if not ids:
            return []
        days, mine = self._database[DAYS], {"stale.claim": uuid4().hex}
        await days.update_many({"_id": {"$in": ids}, **where}, {"$set": {**mine, "stale.due": now + CLAIM_S}})
        # The mark is read before the sources: what is written after them has another.
        marks = {one["_id"]: (Day(one["day"], one["site"]), one["stale"]["mark"]) async for one in days.find(
            {"_id": {"$in": ids}, **mine}, {"day": 1, "site": 1, "stale.mark": 1})}
        if not marks:
            return []
        made = await self._reader.figures({day for day, _ in marks.values()})
        done = await days.bulk_write([
            ReplaceOne({"_id": key, **mine, "stale.mark": mark}, made[key]) if key in made else
            DeleteOne({"_id": key, **mine, "stale.mark": mark}) for key, (_, mark) in marks.items()], ordered=False)
        if done.modified_count + done.deleted_count < len(marks):  # some were marked again meanwhile
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
    """What stands there until the figures of a new day are made for the first time."""
    return {"schema": BY_NAME[DAYS].schema, "day": day.day, "site": day.site,
            "checkins": {half: {} for half in HALVES}, "alerts": {}, "woke": None, "sms": {"n": 0, "late": 0},
            "dated": datetime.fromisoformat(day.day).replace(tzinfo=UTC)}
