"""MongoDB, written so that delivery at least once is enough: what `record` and the page write.

What can never be written is named (StoreRefusedError), after all the rest was written. Figures of days are marked as
stale, and made anew later (`stale.py`).
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from stores.changing import Modify, change
from stores.connection import SOCKET_MS, Connection
from stores.days import Day, DayReader, ids_of
from stores.errors import StoreRefusedError, mapped
from stores.people import People
from stores.projection.collections import AUDIT, BY_NAME, PEOPLE, SCHEMA
from stores.projection.operations import DocumentChange
from stores.retention import DEFAULT_DAYS, is_kept, oldest_day, whole_since
from stores.stale import EVERY_S, StaleDays
from stores.structure import Structure

CONTACT = ("name", "telephone", "address", "notes")
ERASING_S = 3600.0  # deletion takes less


class Store:
    """One database. url: mongodb://host:port/name, else ValueError.

    Methods raise StoreAwayError where the same may succeed later.
    """

    def __init__(self, url: str, retention: Mapping[str, int] = DEFAULT_DAYS,
                 now: Callable[[], float] = time.time, socket_ms: int = SOCKET_MS) -> None:
        self._connection = Connection(url, socket_ms)
        self.database = self._connection.database
        self.retention, self._now = retention, now
        self._days, self._stale = DayReader(self.database), StaleDays(self.database)
        self._people = People(self.database)

    async def prepare(self) -> None:
        """Create collections, validators and indexes; doing it again changes nothing."""
        await Structure(self.database, self.retention).prepare()

    async def apply(self, changes: Iterable[DocumentChange]) -> None:
        """Apply changes, of which no two are of one document; not what is older than the retention, nor anything of
        somebody who is erased. Raises StoreRefusedError, all others being applied.
        """
        now = self._now()
        kept = [one for one in changes if is_kept(one, self.retention, now)]
        subjects = {one.subject for one in kept}
        gone = await self._people.erased(subjects)
        kept = [one for one in kept if one.subject not in gone]
        by_collection: defaultdict[str, dict[str, Modify]] = defaultdict(dict)
        for one in kept:
            by_collection[one.collection][one.id] = one.applied
        refused: dict[tuple[str, str], str] = {}
        for collection, modifies in by_collection.items():
            refused |= await change(self.database, collection, modifies)
        # Who was erased while this was written is deleted again: either `erase` has seen it, or this sees the entry.
        # Also who was erased before: whoever wrote it may have died before this, and the batch comes again.
        for subject in await self._people.erased(subjects):
            await self.erase(subject)
        if refused:
            raise StoreRefusedError("; ".join(sorted(set(refused.values()))), refused)

    async def mark_days(self, changes: Iterable[DocumentChange], now: float) -> None:
        """Figures of the days that these changes touch are to be made anew, after they were applied. now: epoch
        seconds."""
        with mapped():
            touched = await self._days.touched(ids_of(changes))
        await self._stale.mark(await self._kept(touched), now + EVERY_S)

    async def refresh_days(self, now: float) -> int:
        """Make figures of some marked days anew whose time has come. Returns of how many; 0: there are no more."""
        return await self._stale.make_due(now)

    async def recompute(self, days: Iterable[Day], *, dry_run: bool) -> list[str]:
        """Make the figures of some days anew, and return the _ids of those that were others although not marked."""
        kept = await self._kept(days)
        if not dry_run:
            await self._stale.make(kept, time.time())
        wrong = await self._stale.wrong(kept)
        if not dry_run:
            await self._make(wrong)
        return sorted(one.id for one in wrong)

    async def _make(self, days: Iterable[Day]) -> None:
        """Make the figures of some days anew, now."""
        kept, now = await self._kept(days), time.time()
        await self._stale.mark(kept, now)
        await self._stale.make(kept, now)

    async def _kept(self, days: Iterable[Day]) -> set[Day]:
        """Days whose sources are no longer kept stay as they are."""
        oldest = max(oldest_day(self.retention, self._now()), await whole_since(self.database))
        return {one for one in days if one.day >= oldest}

    async def erase(self, subject: int) -> dict[str, int]:
        """Delete all of a person who is marked as erased, figures of days too. Returns how many documents by
        collection."""
        days = await self._kept(await self._people.days(subject))
        # Whoever dies in the middle cannot find these days again: a mark must outlive that, and not be used up before.
        await self._stale.hold(days, time.time() + ERASING_S)
        counts = await self._people.delete(subject)
        await self._make(days)
        return counts

    async def set_contact(self, subject: int, contact: Mapping[str, Any]) -> None:
        """Who a person is: name, telephone, address, notes; personal data, which lives here only."""
        fields = {name: contact[name] for name in CONTACT if contact.get(name) is not None}
        with mapped():
            await self.database[PEOPLE].update_one(
                {"_id": str(subject)}, {
                    "$set": {"subject": subject, "contact": fields},
                    "$setOnInsert": {"schema": BY_NAME[PEOPLE].schema}}, upsert=True)

    async def append_audit(self, key: str, at: str, by: str, action: str, subject: int | None = None,
                           detail: Mapping[str, Any] | None = None) -> None:
        """Who saw or did what; key: unique, given by the one who writes. An entry that is there stays as it is."""
        entry = {"schema": SCHEMA, "at": at, "by": by, "action": action, "subject": subject,
                 "detail": dict(detail or {}), "dated": datetime.fromisoformat(at)}
        with mapped():
            await self.database[AUDIT].update_one({"_id": key}, {"$setOnInsert": entry}, upsert=True)

    def close(self) -> None:
        self._connection.close()
