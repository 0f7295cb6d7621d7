"""A document is written back only if no other writer has changed it since it was read.

Each document has an `etag`, the hash of its content. A write names the etag that was read. If the stored document has
another etag by then, the write matches no document, and the change is repeated on the new document. So a change is a
pure function of a document, and the database evaluates only a comparison. A document that is already right is written
too, without a difference: the acknowledgement proves that a majority has the document, and a read proves no such thing.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Final

import orjson
from pymongo import InsertOne, UpdateOne

from stores import bulk
from stores.connection import Database
from stores.errors import StoreAwayError, StoreRefusedError, is_hopeless, mapped
from stores.projection.document import Document

log = logging.getLogger(__name__)

Modify = Callable[[Document | None], Document | None]
"""Takes the stored document, or None if there is none. Returns the new document, or None to leave it unchanged."""

ETAG: Final = "etag"
_APART: Final = frozenset({"_id", ETAG, "contact"})  # the page writes `contact` without a read
_READ_AT_ONCE: Final = 100  # _ids of one query; the embedded database compares each document with all of them
_ATTEMPTS: Final = 20
_DUPLICATE: Final = 11000


def etag_of(document: Document) -> str:
    kept = {name: value for name, value in document.items() if name not in _APART}
    return blake2b(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()


async def change(database: Database, collection: str, changes: Mapping[str, Modify]) -> dict[tuple[str, str], str]:
    """Change documents by _id.

    database: a database of Motor.

    Returns the reasons of the documents that the database will never take, by place (collection, _id). All other
    documents are changed. Raises StoreAwayError.
    """
    refused: dict[str, int] = {}
    keys = list(changes)
    for start in range(0, len(keys), bulk.AT_ONCE):
        refused |= await _some(database, collection, {key: changes[key] for key in keys[start:start + bulk.AT_ONCE]})
    return bulk.named(collection, refused)


async def _some(database: Database, collection: str, rest: Mapping[str, Modify]) -> dict[str, int]:
    """Change at most `bulk.AT_ONCE` documents. Returns the error codes of the refused documents, by _id."""
    refused: dict[str, int] = {}
    for attempt in range(_ATTEMPTS):
        there, unreadable = await _readable(database, collection, list(rest))
        refused |= dict.fromkeys(unreadable, bulk.UNREADABLE)
        rest = {key: modify for key, modify in rest.items() if key not in unreadable}
        wanted = _Wanted(there)
        for key, modify in rest.items():
            try:
                wanted.add(key, modify)
            except (TypeError, ValueError, LookupError, AttributeError):
                log.exception("%s %s: the change does not fit the stored document", collection, key)
                refused[key] = bulk.NO_VALUE
        failed, met = await bulk.attempt(database, collection, wanted.operations)
        refused |= {key: code for key, code in failed.items() if is_hopeless(code)}
        again = failed.keys() - refused.keys()
        # A failed write gets one more attempt. A duplicate key is no error: another writer inserted the document first.
        if attempt and (codes := {failed[key] for key in again} - {_DUPLICATE}):
            raise StoreAwayError(f"{collection}: error {min(codes)} of the database")
        if met < len(wanted.operations) - len(failed):
            found = await read(database, collection, wanted.etags.keys() - failed.keys(), {ETAG: 1})
            again |= {key for key in wanted.etags.keys() - failed.keys()
                      if found.get(key, {}).get(ETAG) != wanted.etags[key]}
        rest = {key: rest[key] for key in again}
        if not rest:
            return refused
    raise StoreAwayError(f"{collection}: other writers keep changing these documents")


async def _readable(database: Database, collection: str, keys: list[str]) -> tuple[dict[str, Document], set[str]]:
    """Return documents by _id, and the _ids that the driver cannot decode. It names none, so halving finds them."""
    try:
        return await read(database, collection, keys), set()
    except StoreRefusedError as error:
        if len(keys) == 1:
            log.error("%s: %s cannot be read: %s", collection, keys[0], error)  # noqa: TRY400 - the message says enough
            return {}, {keys[0]}
    half = len(keys) // 2
    first, unreadable = await _readable(database, collection, keys[:half])
    second, as_well = await _readable(database, collection, keys[half:])
    return first | second, unreadable | as_well


class _Wanted:
    """The operations that a batch of changes needs, and the etags that the documents have afterwards."""

    def __init__(self, there: Mapping[str, Document]) -> None:
        self._there = there
        self.etags: dict[str, str] = {}
        self.operations: dict[str, bulk.Operation] = {}

    def add(self, key: str, modify: Modify) -> None:
        there = self._there.get(key)
        if (new := modify(there)) is not None:
            etag = etag_of(new)
            self.operations[key] = operation(key, there, {**new, ETAG: etag})
            self.etags[key] = etag


async def read(database: Database, collection: str, ids: Iterable[str],
               only: Document | None = None) -> dict[str, Document]:
    """Return documents by _id. only: the projection. Raises StoreAwayError."""
    keys, found = list(ids), dict[str, Document]()
    with mapped():
        for start in range(0, len(keys), _READ_AT_ONCE):
            async for one in database[collection].find({"_id": {"$in": keys[start:start + _READ_AT_ONCE]}}, only):
                found[one["_id"]] = one
    return found


def operation(key: str, there: Document | None, new: Document) -> InsertOne[Document] | UpdateOne:
    """Return the write that turns `there` into `new`; inside a map it writes only the keys that differ.

    The write matches no document if another writer has changed the document since it was read.
    """
    if there is None:
        return InsertOne({**new, "_id": key})
    sets, gone = {ETAG: new[ETAG]}, dict[str, str]()
    for name in there.keys() | new.keys():
        before, after = there.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            sets |= {f"{name}.{of}": one for of, one in after.items() if of not in before or before[of] != one}
            gone |= {f"{name}.{of}": "" for of in before.keys() - after.keys()}
        elif name not in new:
            gone[name] = ""
        elif name not in there or before != after:
            sets[name] = after
    # The schema is part of the condition: a migration may lift a document that has no etag yet.
    asked = {"_id": key, ETAG: there.get(ETAG), "schema": there["schema"]}
    return UpdateOne(asked, {"$set": sets, "$unset": gone} if gone else {"$set": sets})
