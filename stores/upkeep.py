"""After a crash, a lift of documents to the newest schema, or a recomputation of figures, is just started again.

Each document has the version of its schema, so no document is lifted twice. `record` may write meanwhile; it leaves the
schema of an old document unchanged.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from pymongo import UpdateOne

from stores.bulk import AT_ONCE
from stores.changing import change
from stores.days import Day, day_of_place
from stores.errors import mapped
from stores.mongo import Store
from stores.projection import computed
from stores.projection.collections import ALERTS, BUCKETS, BY_NAME, CHECKINS, DAYS, DEVICES, INCIDENTS, PEOPLE, STATES
from stores.projection.document import Document
from stores.projection.history import key_of, of_report
from stores.projection.operations import DocumentChange, merged
from stores.projection.weeks import week_of


class CollectionProgress(NamedTuple):
    """The progress of one collection.

    done, total: numbers of documents.
    """

    collection: str
    done: int
    total: int


def _dated_by_day(document: Document) -> Document:
    return {**document, "dated": datetime.fromisoformat(document["day"]).replace(tzinfo=UTC)}


def _alert(alert: Document) -> Document:
    over = None if alert["active"] else datetime.fromisoformat(alert["changed_at"])
    return {**alert, "dated": alert.get("dated") or over}


def _person(person: Document) -> Document:
    """Add the present site to `sites`; earlier sites are unknown."""
    if (site := person.get("site")) is None:
        return person
    return {**person, "sites": {**person.get("sites", {}), key_of(site): {"site": site}}}


def _state(state: Document) -> Document:
    return _with_site(state, (state.get("report") or {}).get("site"))


def _with_site(document: Document, site: str | None) -> Document:
    """Add the site to `heard`, the last sign of a person or device, unless it has one."""
    heard = document.get("heard")
    return document if heard is None else {**document, "heard": {**heard, "site": heard.get("site") or site}}


def _bucket(bucket: Document) -> Document:
    """Return the week as `of_report` writes it now: reports with their counts, and the days that they name."""
    new = {name: value for name, value in bucket.items() if name != "expires"}
    new["reports"] = dict(bucket["reports"])
    for one in changes_of_bucket(bucket):
        if one.collection == BUCKETS:
            new["dated"] = one.fixed["dated"]
            for path, entry in one.entries.items():
                field, _, key = path.partition(".")
                if field == "reports":
                    new["reports"][key] = {**bucket["reports"][key], "counts": entry.value["counts"]}
                else:
                    new[field] = {**new.get(field, {}), key: entry.newer(None)}
    return new


def changes_of_bucket(bucket: Document) -> list[DocumentChange]:
    """Return the changes that the reports of a week would make if they came again."""
    return merged([one for report in bucket["reports"].values()
                   for one in of_report({**report, "type": "report", "subject": bucket["subject"]})])


# Each function lifts a document from the schema before to the present one. The order of the collections is the order of
# lifting: the reports of the weeks then fill new fields of states and devices.
UPGRADES: Final[dict[str, Callable[[Document], Document]]] = {
    PEOPLE: _person, CHECKINS: _dated_by_day, ALERTS: _alert, INCIDENTS: _alert, STATES: _state,
    DEVICES: lambda device: device, BUCKETS: _bucket, DAYS: _dated_by_day}


def lifted(name: str, there: Document | None, site: str | None = None) -> Document | None:
    """Return a document in the newest schema; None if it has that already. site: the site of a device's person."""
    collection = BY_NAME[name]
    if there is None or there["schema"] >= collection.schema:
        return None
    old = _with_site(there, site) if name == DEVICES else there
    new = {**UPGRADES[name](old), "schema": collection.schema}
    return new if collection.computed is None else new | collection.computed(new)


class Upkeep:
    """Upkeep of the database of a store. Methods raise StoreAwayError."""

    def __init__(self, store: Store) -> None:
        self._store, self._database = store, store.database

    async def old(self) -> dict[str, int]:
        """Count the documents with an older schema, by collection."""
        with mapped():
            counts = {name: await self._database[name].count_documents({"schema": {"$lt": BY_NAME[name].schema}})
                      for name in UPGRADES}
        return {name: count for name, count in counts.items() if count}

    async def upgrade(self) -> AsyncIterator[CollectionProgress]:
        """Lift all documents, a few at a time."""
        for name, total in (await self.old()).items():
            done, last = 0, ""
            while some := await self._some(name, last, {"schema": {"$lt": BY_NAME[name].schema}}):
                if name == BUCKETS:
                    again = [one for bucket in some for one in changes_of_bucket(bucket)]
                    await self._store.apply([one for one in merged(again) if one.collection != BUCKETS])
                await self._lift(name, some)
                done, last = done + len(some), some[-1]["_id"]
                yield CollectionProgress(name, done, total)

    async def _lift(self, name: str, documents: Sequence[Document]) -> None:
        if name == DAYS:  # days have no etag, because they are always replaced as a whole
            with mapped():
                await self._database[DAYS].bulk_write([
                    UpdateOne({"_id": one["_id"], "schema": one["schema"]}, {"$set": {
                        name: new[name] for name in ("dated", "schema")}})
                    for one in documents if (new := lifted(DAYS, one)) is not None], ordered=False)
            return
        sites = await self._sites({one["subject"] for one in documents}) if name == DEVICES else {}
        await change(self._database, name, {
            one["_id"]: partial(lifted, name, site=sites.get(one.get("subject", -1))) for one in documents})

    async def _sites(self, subjects: set[int]) -> dict[int, Any]:
        with mapped():
            found = self._database[PEOPLE].find({"_id": {"$in": [str(one) for one in sorted(subjects)]}}, {"site": 1})
            return {int(one["_id"]): one.get("site") async for one in found}

    async def _some(self, name: str, after: str, where: Document) -> list[Document]:
        with mapped():
            found: list[Document] = await self._database[name].find({"_id": {"$gt": after}, **where}).sort(
                [("_id", 1)]).limit(AT_ONCE).to_list(None)
        return found

    async def recompute(self, first: date, last: date, *, dry_run: bool) -> AsyncIterator[tuple[str, list[str]]]:
        """Compute the figures of weeks and days from `first` to `last` again.

        Yields (description of the part, _ids of wrong figures). Days without complete sources are left out.
        dry_run: change nothing.
        """
        weeks = {"period": {"$gte": week_of(first - timedelta(days=8)), "$lte": week_of(last + timedelta(days=8))}}
        after = ""
        while some := await self._some(BUCKETS, after, weeks):
            after = some[-1]["_id"]
            yield f"weeks up to person {after.partition('/')[0]}", await self._weeks(some, dry_run=dry_run)
        for number in range((last - first).days + 1):
            day = (first + timedelta(days=number)).isoformat()
            yield day, await self._store.recompute(await self._places(day), dry_run=dry_run)

    async def _weeks(self, buckets: Iterable[Document], *, dry_run: bool) -> list[str]:
        """Correct the figures of some weeks. Returns the _ids of the weeks with wrong figures."""
        other = sorted(one["_id"] for one in buckets if _figures_made(one) != one)
        if other and not dry_run:
            await change(self._database, BUCKETS, dict.fromkeys(other, _figures_made))
        return other

    async def _places(self, day: str) -> set[Day]:
        """Return the sites that have or should have figures of a day."""
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


def _figures_made(there: Document | None) -> Document | None:
    return None if there is None else there | computed.bucket(there)
