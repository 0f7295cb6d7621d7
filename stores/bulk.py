"""A bulk has one operation a document, unordered and by _id, so it can be repeated: delivery at least once is enough.

An acknowledged write is in the journals of a majority. Documents that can never be written are named.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from stores.connection import Database
from stores.errors import StoreAwayError, StoreRefusedError, is_hopeless, mapped
from stores.projection.document import Document

Operation = InsertOne[Document] | UpdateOne | ReplaceOne[Document] | DeleteOne
AT_ONCE: Final = 500  # operations of one bulk; a slow database answers well before the timeout of the socket

NO_VALUE: Final = 2     # BadValue; also for a document that never reaches the database
UNREADABLE: Final = 22  # InvalidBSON: a stored document that cannot be decoded
_REASONS: Final = {NO_VALUE: "the database cannot hold this value", UNREADABLE: "the stored document cannot be read",
                   121: "the document breaks the schema of the collection"}


class Outcome(NamedTuple):
    """The result of a bulk.

    failed: error codes by _id.
    met: how many of the other operations matched, inserted or deleted their document.
    """

    failed: dict[str, int]
    met: int

    def __add__(self, other: object) -> "Outcome":
        if not isinstance(other, Outcome):
            return NotImplemented
        return Outcome(self.failed | other.failed, self.met + other.met)


async def write(database: Database, collection: str, operations: Mapping[str, Operation]) -> dict[tuple[str, str], str]:
    """Write operations by _id, with one retry for those that failed.

    database: a database of Motor.

    Returns the reasons of the documents that the database will never take, by place (collection, _id). All others are
    written. Raises StoreAwayError.
    """
    failed: dict[str, int] = {}
    keys = list(operations)
    for start in range(0, len(keys), AT_ONCE):
        some = {key: operations[key] for key in keys[start:start + AT_ONCE]}
        if again := (await attempt(database, collection, some)).failed:
            failed |= (await attempt(database, collection, {key: operations[key] for key in again})).failed
    for code in failed.values():
        if not is_hopeless(code):
            raise StoreAwayError(f"{collection}: error {code} of the database")
    return named(collection, failed)


def named(collection: str, failed: Mapping[str, int]) -> dict[tuple[str, str], str]:
    """Return the places of refused documents, each with a reason that people can read."""
    return {(collection, key): f"{collection}: {_REASONS.get(code, f'error {code}')}" for key, code in failed.items()}


async def attempt(database: Database, collection: str, operations: Mapping[str, Operation]) -> Outcome:
    """Write at most AT_ONCE operations by _id, without a retry. Raises StoreAwayError."""
    keys = list(operations)
    if not keys:
        return Outcome({}, 0)
    try:
        with mapped():
            try:
                done = await database[collection].bulk_write(list(operations.values()), ordered=False)
            except BulkWriteError as error:
                found = error.details or {}
                if found.get("writeConcernErrors"):  # written, but a failover may undo it
                    raise StoreAwayError(f"{collection}: not acknowledged by a majority") from error
                return Outcome({keys[one["index"]]: one["code"] for one in found["writeErrors"]},
                               sum(found.get(name, 0) for name in ("nMatched", "nInserted", "nUpserted", "nRemoved")))
            return Outcome({}, done.matched_count + done.inserted_count + done.upserted_count + done.deleted_count)
    except StoreRefusedError:
        if len(keys) == 1:
            return Outcome({keys[0]: NO_VALUE}, 0)
        # The driver could not encode one document, and does not name it.
        half = len(keys) // 2
        return (await attempt(database, collection, {key: operations[key] for key in keys[:half]})
                + await attempt(database, collection, {key: operations[key] for key in keys[half:]}))
