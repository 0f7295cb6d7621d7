"""The database gets what it lacks of the catalogue: collections, validators, indexes, retention.

A repetition changes nothing, and after a crash a repetition resumes. Indexes that are not in the catalogue belong to
other users of the database and stay, except those of an older version of the catalogue.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from pymongo.errors import OperationFailure

from models.times import DAY
from stores.connection import Database
from stores.embedded import EMBEDDED_SET
from stores.errors import mapped
from stores.projection.collections import CATALOGUE, Collection, Index
from stores.projection.document import Document
from stores.retention import keep_longer

_NAMESPACE_EXISTS: Final = 48


class SetUpStep(NamedTuple):
    """One step of the set-up.

    what: a description for operators.
    """

    what: str
    do: Callable[[], Awaitable[object]]


class Structure:
    """The set-up of one database.

    database: a database of Motor.
    retention: days by collection.
    """

    def __init__(self, database: Database, retention: Mapping[str, int],
                 collections: Sequence[Collection] = CATALOGUE) -> None:
        self._database, self._retention, self._collections = database, retention, collections

    async def prepare(self) -> None:
        """Do all missing steps. Raises StoreAwayError."""
        async for step in self.missing():
            await self.do(step)

    async def do(self, step: SetUpStep) -> None:
        """Do one step. Raises StoreAwayError."""
        with mapped():
            await step.do()

    async def missing(self) -> AsyncIterator[SetUpStep]:
        """Yield the missing steps, in order. Raises StoreAwayError."""
        deletes = await self._deletes()
        with mapped():
            there: dict[str, Document] = {}
            for one in await (await self._database.list_collections()).to_list(None):
                there[one["name"]] = one.get("options") or {}
        for collection in self._collections:
            name = collection.name
            if name not in there:
                yield SetUpStep(f"create the collection {name}", partial(self._create, name))
            if there.get(name, {}).get("validator") != collection.validator:
                yield SetUpStep(f"set the schema of {name} (version {collection.schema})",
                                partial(self._database.command, "collMod", name, validator=collection.validator))
            with mapped():
                indexes = await self._database[name].index_information() if name in there else {}
            for index in collection.indexes:
                if (step := self._index(collection, index, indexes.get(index.name), deletes=deletes)) is not None:
                    yield step
            for old in collection.dropped:
                if old in indexes:
                    yield SetUpStep(f"drop the index {old} of {name}",
                                    partial(self._database[name].drop_index, old))

    async def _deletes(self) -> bool:
        """Whether the database deletes expired documents by itself.

        The embedded database does not. Once in a minute it would read and decode every collection that has a TTL
        index, and all other operations would wait: 20 s with three years of 200 people.
        """
        with mapped():
            return bool((await self._database.command("hello")).get("setName") != EMBEDDED_SET)

    def _index(self, collection: Collection, index: Index, there: Document | None, *,
               deletes: bool) -> SetUpStep | None:
        name, options = collection.name, Document()
        if index.expires and deletes:
            options["expireAfterSeconds"] = self._retention.get(name, 0) * DAY
        if there is None:
            return SetUpStep(f"create the index {index.name} of {name}", partial(
                self._database[name].create_index, list(index.keys), name=index.name, **options))
        if deletes and there.get("expireAfterSeconds") != options.get("expireAfterSeconds"):
            days = options["expireAfterSeconds"] // DAY
            return SetUpStep(f"keep {name} for {days} days", partial(
                self._keep, name, index, there.get("expireAfterSeconds"), options["expireAfterSeconds"]))
        return None

    async def _keep(self, name: str, index: Index, before_s: int | None, after_s: int) -> None:
        if before_s is not None and before_s < after_s:
            now = (await self._database.command("hello"))["localTime"].timestamp()  # the clock of its deletions
            await keep_longer(self._database, name, before_s // DAY, now)
        await self._database.command("collMod", name, index={
            "keyPattern": dict(index.keys), "expireAfterSeconds": after_s})

    async def _create(self, name: str) -> None:
        try:
            await self._database.command("create", name)
        except OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:  # another process was first
                raise
