"""Many operations at once, so that delivery at least once is enough: one operation a document, unordered, by _id.

What failed is tried once more; what is acknowledged is in the journals of a majority; what can never be written is
named.
"""

from collections.abc import Mapping
from typing import Any, Final

from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from stores.connection import Document
from stores.errors import StoreAwayError, StoreRefusedError, is_hopeless, mapped

Operation = UpdateOne | ReplaceOne[Document] | DeleteOne
AT_ONCE: Final = 500  # operations of one bulk: a slow database answers well before a frozen one is given up

_CANNOT_BE_ENCODED: Final = 2
_REASONS: Final = {_CANNOT_BE_ENCODED: "no value of this database", 121: "not of the collection's schema"}


async def write(database: Any, collection: str, operations: Mapping[str, Operation]) -> dict[tuple[str, str], str]:
    """Write operations by _id. database: Motor's. Returns the places (collection, _id) that were refused for good, and
    why, all others being written. Raises StoreAwayError.
    """
    failed: dict[str, int] = {}
    keys = list(operations)
    for start in range(0, len(keys), AT_ONCE):
        some = {key: operations[key] for key in keys[start:start + AT_ONCE]}
        if again := await _bulk(database, collection, some):
            failed |= await _bulk(database, collection, {key: operations[key] for key in again})
    for code in failed.values():
        if not is_hopeless(code):
            raise StoreAwayError(f"{collection}: error {code} of the database")
    return {(collection, key): f"{collection}: {_REASONS.get(code, f'error {code}')}" for key, code in failed.items()}


async def _bulk(database: Any, collection: str, operations: Mapping[str, Operation]) -> dict[str, int]:
    """The error codes of those operations that failed, by _id."""
    keys = list(operations)
    try:
        with mapped():
            try:
                await database[collection].bulk_write(list(operations.values()), ordered=False)
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
        return (await _bulk(database, collection, {key: operations[key] for key in keys[:half]})
                | await _bulk(database, collection, {key: operations[key] for key in keys[half:]}))
    return {}
