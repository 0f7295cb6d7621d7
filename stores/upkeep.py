"""Lifting documents to the newest schema, and making computed figures anew: whoever dies in the middle starts again.

A document says itself which schema it has, so that what is done is not done twice; `record` may write meanwhile, and
leaves an old document old.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from pymongo import UpdateOne

from stores.bulk import AT_ONCE
from stores.collections import ALERTS, BUCKETS, BY_NAME, CHECKINS, DAYS, DEVICES, INCIDENTS, PEOPLE, STATES
from stores.days import Day, day_of_place
from stores.errors import mapped
from stores.history import of_report
from stores.mongo import Store
from stores.operations import Change, Document, merged

Stages = list[Document]


class Progress(NamedTuple):
    """How far one collection is. done, total: documents."""

    collection: str
    done: int
    total: int


def _dated(value: Any) -> Stages:
    return [{"$set": {"dated": value}}]


def _of_checkin(checkin: Document) -> Stages:
    return _dated(datetime.fromisoformat(checkin["day"]).replace(tzinfo=UTC))


def _of_alert(alert: Document) -> Stages:
    over = {"$cond": ["$active", None, datetime.fromisoformat(alert["changed_at"])]}
    return _dated({"$ifNull": ["$dated", over]})


def _of_state(_: Document) -> Stages:
    return [{"$set": {"heard.site": {"$ifNull": ["$heard.site", "$report.site"]}}}]


def _of_bucket(bucket: Document) -> Stages:
    """As `of_report` writes it today: reports with what they count as, and the days that they name."""
    sets: Document = {}
    for change in changes_of_bucket(bucket):
        if change.collection == BUCKETS:
            sets["dated"] = change.fixed["dated"]
            for path, entry in change.entries.items():
                if path.startswith("reports."):
                    same = {"$eq": [f"${path}.ver", {"$literal": entry.version}]}
                    sets[f"{path}.counts"] = {"$cond": [same, {"$literal": entry.value["counts"]},
                                                        f"${path}.counts"]}
                else:
                    sets[path] = {"$literal": entry.stored}
    return [{"$set": sets}, {"$unset": "expires"}]


def changes_of_bucket(bucket: Document) -> list[Change]:
    """What the reports of a week would write if they came again."""
    return merged([change for report in bucket["reports"].values()
                   for change in of_report({**report, "type": "report", "subject": bucket["subject"]})])


# What brings a document from the schema before to the present one. Collections in the order in which they are lifted:
# weeks give states and devices what these had not before.
UPGRADES: Final[dict[str, Callable[[Document], Stages]]] = {
    CHECKINS: _of_checkin, ALERTS: _of_alert, INCIDENTS: _of_alert, STATES: _of_state, DEVICES: lambda _: [],
    BUCKETS: _of_bucket, DAYS: lambda day: _dated(datetime.fromisoformat(day["day"]).replace(tzinfo=UTC))}


class Upkeep:
    """Of the database of a store. Methods raise StoreAwayError."""

    def __init__(self, store: Store) -> None:
        self._store, self._database = store, store.database

    async def old(self) -> dict[str, int]:
        """How many documents have an older schema, by collection."""
        with mapped():
            counts = {name: await self._database[name].count_documents({"schema": {"$lt": BY_NAME[name].schema}})
                      for name in UPGRADES}
        return {name: count for name, count in counts.items() if count}

    async def upgrade(self) -> AsyncIterator[Progress]:
        """Lift all documents, a few at a time."""
        for name, total in (await self.old()).items():
            done, last = 0, ""
            while some := await self._some(name, last, {"schema": {"$lt": BY_NAME[name].schema}}):
                if name == BUCKETS:
                    again = [change for bucket in some for change in changes_of_bucket(bucket)]
                    await self._store.apply([one for one in merged(again) if one.collection != BUCKETS])
                await self._lift(name, some)
                done, last = done + len(some), some[-1]["_id"]
                yield Progress(name, done, total)

    async def _lift(self, name: str, documents: Iterable[Document]) -> None:
        collection = BY_NAME[name]
        sites: dict[int, Any] = {}
        if name == DEVICES:
            sites = await self._sites({one["subject"] for one in documents})
        operations = []
        for one in documents:
            stages = [*UPGRADES[name](one), {"$set": {"schema": collection.schema}}]
            if name == DEVICES:
                stages.insert(0, {"$set": {"heard.site": {"$ifNull": ["$heard.site", sites.get(one["subject"])]}}})
            if collection.computed:
                stages.append({"$set": dict(collection.computed)})
            operations.append(UpdateOne({"_id": one["_id"], "schema": one["schema"]}, stages))
        with mapped():
            await self._database[name].bulk_write(operations, ordered=False)

    async def _sites(self, subjects: set[int]) -> dict[int, Any]:
        with mapped():
            found = self._database[PEOPLE].find({"_id": {"$in": [str(one) for one in sorted(subjects)]}}, {"site": 1})
            return {int(one["_id"]): one.get("site") async for one in found}

    async def _some(self, name: str, after: str, where: Document, only: Document | None = None) -> list[Document]:
        with mapped():
            found: list[Document] = await self._database[name].find(
                {"_id": {"$gt": after}, **where}, only).sort([("_id", 1)]).limit(AT_ONCE).to_list(None)
        return found

    async def recompute(self, first: date, last: date, *, dry_run: bool) -> AsyncIterator[tuple[str, list[str]]]:
        """Make the figures from one date to another anew, of weeks and of days: (what was looked at, what was other).

        What is not kept any more is not made anew. dry_run: change nothing.
        """
        weeks = {"period": {"$gte": _week(first - timedelta(days=8)), "$lte": _week(last + timedelta(days=8))}}
        after = ""
        while some := await self._some(BUCKETS, after, weeks, {"period": 1}):
            after = some[-1]["_id"]
            yield f"weeks up to person {after.partition('/')[0]}", await self._weeks([one["_id"] for one in some],
                                                                                    dry_run=dry_run)
        for number in range((last - first).days + 1):
            day = (first + timedelta(days=number)).isoformat()
            yield day, await self._store.recompute(await self._places(day), dry_run=dry_run)

    async def _weeks(self, ids: list[str], *, dry_run: bool) -> list[str]:
        computed = dict(BY_NAME[BUCKETS].computed)
        with mapped():
            found = await self._database[BUCKETS].aggregate([
                {"$match": {"_id": {"$in": ids}}},
                {"$project": {"same": {"$eq": ["$c", computed["c"]]}}}]).to_list(None)
            other = sorted(one["_id"] for one in found if not one["same"])
            if other and not dry_run:
                await self._database[BUCKETS].bulk_write(
                    [UpdateOne({"_id": one}, [{"$set": computed}]) for one in other], ordered=False)
        return other

    async def _places(self, day: str) -> set[Day]:
        """Every site that has or should have figures of a day."""
        following = date.fromisoformat(day) + timedelta(days=2)
        before = date.fromisoformat(day) - timedelta(days=1)
        with mapped():
            sites = set(await self._database[DAYS].distinct("site", {"day": day}))
            sites |= set(await self._database[CHECKINS].distinct("site", {"day": day}))
            sites |= set(await self._database[ALERTS].distinct(
                "site", {"opened_at": {"$gte": before.isoformat(), "$lt": following.isoformat()}}))
            sites |= set(await self._database[ALERTS].distinct(
                "site", {"window": {"$in": [f"{day}:morning", f"{day}:afternoon"]}}))
            places = await self._database[BUCKETS].distinct(
                "c.places", {"c.places": {"$gte": f"{day}/", "$lt": f"{day}0"}})
        found = {day_of_place(place) for place in places}
        return {Day(day, site) for site in sites} | {one for one in found if one.day == day}


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"
