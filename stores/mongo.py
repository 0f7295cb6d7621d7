"""MongoDB, written so that delivery at least once is enough: what `record` and the page write.

One operation a document in a bulk, unordered, filtered by _id; what failed is tried once more; acknowledged is what a
majority has in its journal. What can never be written is named (StoreRefusedError), after all the rest was written.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from stores.collections import AUDIT, DAYS, PEOPLE, SCHEMA
from stores.connection import SOCKET_MS, Connection, Document
from stores.days import Day, DayReader, ids_of
from stores.errors import StoreAwayError, StoreRefusedError, is_hopeless, mapped
from stores.operations import Change
from stores.people import People
from stores.retention import DEFAULT_DAYS, is_kept, oldest_day
from stores.structure import Structure

Operation = UpdateOne | ReplaceOne[Document] | DeleteOne
CONTACT = ("name", "telephone", "address", "notes")
AT_ONCE = 500  # operations of one bulk: so few that a slow database answers well before a frozen one is given up


class Store:
    """One database. url: mongodb://host:port/name, else ValueError.

    Methods raise StoreAwayError where the same may succeed later.
    """

    def __init__(self, url: str, retention: Mapping[str, int] = DEFAULT_DAYS,
                 now: Callable[[], float] = time.time, socket_ms: int = SOCKET_MS) -> None:
        self._connection = Connection(url, socket_ms)
        self.database = self._connection.database
        self.retention, self._now = retention, now
        self._days = DayReader(self.database)
        self._people = People(self.database)

    async def prepare(self) -> None:
        """Create collections, validators and indexes; doing it again changes nothing."""
        await Structure(self.database, self.retention).prepare()

    async def apply(self, changes: Iterable[Change]) -> None:
        """Apply changes, of which no two are of one document; not what is older than the retention, nor anything of
        somebody who is erased. Raises StoreRefusedError, all others being applied.
        """
        now = self._now()
        kept = [one for one in changes if is_kept(one, self.retention, now)]
        gone = await self._people.erased(one.subject for one in kept)
        kept = [one for one in kept if one.subject not in gone]
        by_collection: defaultdict[str, dict[str, Operation]] = defaultdict(dict)
        for change in kept:
            by_collection[change.collection][change.id] = change.operation()
        refused: dict[tuple[str, str], str] = {}
        for collection, operations in by_collection.items():
            refused |= await self._write(collection, operations)
        # Who was erased while this was written is deleted again: either `erase` has seen it, or this sees the entry.
        for subject in await self._people.erased(one.subject for one in kept):
            await self.erase(subject)
        if refused:
            raise StoreRefusedError("; ".join(sorted(set(refused.values()))), refused)

    async def refresh_days(self, changes: Iterable[Change]) -> None:
        """Make the figures of the days anew that changes touch, once these are applied."""
        with mapped():
            await self.refresh(await self._days.touched(ids_of(changes)))

    async def refresh(self, days: Iterable[Day], *, dry_run: bool = False) -> list[str]:
        """Make the figures of some days anew. Returns the _ids of those that were others.

        Days whose sources are no longer kept stay as they are.
        """
        oldest, changed = oldest_day(self.retention, self._now()), set[str]()
        wanted_days = {one for one in days if one.day >= oldest}
        with mapped():
            while wanted_days:
                wanted = await self._days.figures(wanted_days)
                stored = await self._days.stored(wanted_days)
                operations: dict[str, Operation] = {
                    key: ReplaceOne({"_id": key}, one, upsert=True) for key, one in wanted.items()
                    if one != stored.get(key)}
                operations |= {key: DeleteOne({"_id": key}) for key in stored.keys() - wanted.keys()}
                changed |= operations.keys()
                if dry_run or not operations:
                    break
                await self._write(DAYS, operations)
        return sorted(changed)

    async def erase(self, subject: int) -> dict[str, int]:
        """Delete all of a person who is marked as erased, figures of days too. Returns how many documents by
        collection."""
        days = await self._people.days(subject)
        counts = await self._people.delete(subject)
        await self.refresh(days)
        return counts

    async def set_contact(self, subject: int, contact: Mapping[str, Any]) -> None:
        """Who a person is: name, telephone, address, notes; personal data, which lives here only."""
        fields = {name: contact[name] for name in CONTACT if contact.get(name) is not None}
        with mapped():
            await self.database[PEOPLE].update_one(
                {"_id": str(subject)}, {"$set": {"schema": SCHEMA, "subject": subject, "contact": fields}}, upsert=True)

    async def append_audit(self, key: str, at: str, by: str, action: str, subject: int | None = None,
                           detail: Mapping[str, Any] | None = None) -> None:
        """Who saw or did what; key: unique, given by the one who writes. An entry that is there stays as it is."""
        entry = {"schema": SCHEMA, "at": at, "by": by, "action": action, "subject": subject,
                 "detail": dict(detail or {}), "dated": datetime.fromisoformat(at)}
        with mapped():
            await self.database[AUDIT].update_one({"_id": key}, {"$setOnInsert": entry}, upsert=True)

    async def _write(self, collection: str, operations: Mapping[str, Operation]) -> dict[tuple[str, str], str]:
        """Write operations by _id. Returns the places that were refused for good, and why. Raises StoreAwayError."""
        failed: dict[str, int] = {}
        keys = list(operations)
        for start in range(0, len(keys), AT_ONCE):
            some = {key: operations[key] for key in keys[start:start + AT_ONCE]}
            if again := await self._bulk(collection, some):
                failed |= await self._bulk(collection, {key: operations[key] for key in again})
        for code in failed.values():
            if not is_hopeless(code):
                raise StoreAwayError(f"{collection}: error {code} of the database")
        return {(collection, key): f"{collection}: {_REASONS.get(code, f'error {code}')}"
                for key, code in failed.items()}

    async def _bulk(self, collection: str, operations: Mapping[str, Operation]) -> dict[str, int]:
        """The error codes of those operations that failed, by _id."""
        keys = list(operations)
        try:
            with mapped():
                try:
                    await self.database[collection].bulk_write(list(operations.values()), ordered=False)
                except BulkWriteError as error:
                    found = error.details or {}
                    if found.get("writeConcernErrors"):  # written, but perhaps not to stay
                        raise StoreAwayError(f"{collection}: not acknowledged by a majority") from error
                    return {keys[one["index"]]: one["code"] for one in found["writeErrors"]}
        except StoreRefusedError:
            if len(keys) == 1:
                return {keys[0]: _CANNOT_BE_ENCODED}
            # The driver could not encode one of them and does not say which.
            half = len(keys) // 2
            return (await self._bulk(collection, {key: operations[key] for key in keys[:half]})
                    | await self._bulk(collection, {key: operations[key] for key in keys[half:]}))
        return {}

    def close(self) -> None:
        self._connection.close()


_CANNOT_BE_ENCODED = 2
_REASONS = {_CANNOT_BE_ENCODED: "no value of this database", 121: "not of the collection's schema"}
