"""Every write of `record` and the page to MongoDB can be repeated, so delivery at least once is enough.

If the database will never take some documents, all others are written first; then StoreRefusedError names the refused
documents. A batch marks the figures of its days as stale, and `stale.py` computes them again later.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from models.json_object import JsonView
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
ERASING_S = 3600.0  # the deletion of a person takes less


class Store:
    """One database.

    url: mongodb://host:port/name, else ValueError.

    Methods raise StoreAwayError if the same call may succeed later.
    """

    def __init__(self, url: str, retention: Mapping[str, int] = DEFAULT_DAYS,
                 now: Callable[[], float] = time.time, socket_ms: int = SOCKET_MS) -> None:
        self._connection = Connection(url, socket_ms)
        self.database = self._connection.database
        self.retention, self._now = retention, now
        self._days, self._stale = DayReader(self.database), StaleDays(self.database)
        self._people = People(self.database)

    async def prepare(self) -> None:
        """Create collections, validators and indexes. A repetition changes nothing."""
        await Structure(self.database, self.retention).prepare()

    async def apply(self, changes: Iterable[DocumentChange]) -> None:
        """Apply changes; no two of them may be of one document.

        Changes older than the retention, and changes of erased people, are left out. Raises StoreRefusedError for
        refused documents, after all other changes are applied.
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
        # If a person was erased during these writes, the writes are deleted here. Either `erase` saw the documents, or
        # this check sees the entry in `erased`. The check includes people who were erased earlier: a process may have
        # died between its writes and this check, and the batch comes again.
        for subject in await self._people.erased(subjects):
            await self.erase(subject)
        if refused:
            raise StoreRefusedError("; ".join(sorted(set(refused.values()))), refused)

    async def mark_days(self, changes: Iterable[DocumentChange], now: float) -> None:
        """Mark the days that these changes touch as stale. The changes must be applied already. now: epoch seconds."""
        with mapped():
            touched = await self._days.touched(ids_of(changes))
        await self._stale.mark(await self._kept(touched), now + EVERY_S)

    async def refresh_days(self, now: float) -> int:
        """Compute the figures of some marked days that are due. Returns the number of days; 0 if none is due."""
        return await self._stale.make_due(now)

    async def recompute(self, days: Iterable[Day], *, dry_run: bool) -> list[str]:
        """Compute the figures of some days again. Returns the _ids of wrong figures that were not marked as stale."""
        kept = await self._kept(days)
        if not dry_run:
            await self._stale.make(kept, time.time())
        wrong = await self._stale.wrong(kept)
        if not dry_run:
            await self._make(wrong)
        return sorted(one.id for one in wrong)

    async def _make(self, days: Iterable[Day]) -> None:
        """Compute the figures of some days again, at once."""
        kept, now = await self._kept(days), time.time()
        await self._stale.mark(kept, now)
        await self._stale.make(kept, now)

    async def _kept(self, days: Iterable[Day]) -> set[Day]:
        """Leave out the days whose sources are no longer complete: their figures stay as they are."""
        oldest = max(oldest_day(self.retention, self._now()), await whole_since(self.database))
        return {one for one in days if one.day >= oldest}

    async def erase(self, subject: int) -> dict[str, int]:
        """Delete all documents of a person who is marked as erased, and correct the figures of days.

        Returns the number of deleted documents by collection.
        """
        days = await self._kept(await self._people.days(subject))
        # After a crash in the middle, no process could find these days again. So their marks are set before, and no
        # process may use the marks up during the deletion.
        await self._stale.hold(days, time.time() + ERASING_S)
        counts = await self._people.delete(subject)
        await self._make(days)
        return counts

    async def set_contact(self, subject: int, contact: JsonView) -> None:
        """Store name, telephone, address and notes of a person. This personal data is stored nowhere else."""
        fields = {name: contact[name] for name in CONTACT if contact.get(name) is not None}
        with mapped():
            await self.database[PEOPLE].update_one(
                {"_id": str(subject)}, {
                    "$set": {"subject": subject, "contact": fields},
                    "$setOnInsert": {"schema": BY_NAME[PEOPLE].schema}}, upsert=True)

    async def append_audit(self, key: str, at: str, by: str, action: str, subject: int | None = None,
                           detail: JsonView | None = None) -> None:
        """Record which user saw or did something. An entry that exists stays unchanged.

        key: unique; the caller gives it.
        """
        entry = {"schema": SCHEMA, "at": at, "by": by, "action": action, "subject": subject,
                 "detail": dict(detail or {}), "dated": datetime.fromisoformat(at)}
        with mapped():
            await self.database[AUDIT].update_one({"_id": key}, {"$setOnInsert": entry}, upsert=True)

    def close(self) -> None:
        self._connection.close()
