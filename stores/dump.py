"""A backup keeps every collection of the database, in BSON; this file writes and reads it.

Profiles and excuses have offsets of the topics `registry` and `commands` as their versions. A restored system has a
broker whose topics begin at 0 again. So restored documents must count as older than any record there (`aged`).
"""

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Final

import bson

from stores.changing import ETAG
from stores.connection import Connection
from stores.errors import mapped
from stores.projection.collections import PEOPLE
from stores.projection.document import Document
from stores.projection.operations import VERSION

AT_ONCE: Final = 500
_OURS_NOT: Final = "system."  # prefix of the server's own collections


class Dump:
    """One database. Methods raise StoreAwayError.

    url: mongodb://host:port/name, else ValueError.
    """

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)
        self._database = self._connection.database

    async def collections(self) -> list[str]:
        with mapped():
            names = await self._database.list_collection_names()
        return sorted(name for name in names if not name.startswith(_OURS_NOT))

    async def documents(self, collection: str) -> AsyncIterator[bytes]:
        """Yield each document, in BSON."""
        with mapped():
            async for one in self._database[collection].find():
                yield bson.encode(one)

    async def is_empty(self) -> bool:
        with mapped():
            found = [await self._database[name].find_one({}, {"_id": 1}) for name in await self.collections()]
        return not any(found)

    async def load(self, collection: str, documents: Iterable[bytes]) -> int:
        """Insert documents into a collection that has none of them. Returns the number of documents."""
        count, rest = 0, iter(documents)
        while some := [aged(collection, bson.decode(one)) for one in islice(rest, AT_ONCE)]:
            with mapped():
                await self._database[collection].insert_many(some, ordered=False)
            count += len(some)
        return count

    def close(self) -> None:
        self._connection.close()


def aged(collection: str, document: Document) -> Document:
    """Make the offsets in a document of `people` older than any offset of a new broker; others stay as they are.

    The version of the profile is removed. The offsets of the excuses become negative, in the same order.
    """
    if collection != PEOPLE:
        return document
    # A missing version is older than any other.
    kept = {name: value for name, value in document.items() if name not in (VERSION, ETAG)}
    excuses = sorted((kept.get("excuses") or {}).items(), key=lambda one: int(one[0]))
    if excuses:
        kept["excuses"] = {str(number - len(excuses)): value for number, (_, value) in enumerate(excuses)}
    return kept
