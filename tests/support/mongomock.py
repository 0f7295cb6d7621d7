"""mongomock-motor as the database of tests: MongoDB's operations by other people's code, in this very process.

It says nothing of durability, of speed, or of what a server refuses. What no test could do without is added here, and
`LACKS` and `TOO_FAST` name the tests for which it is not enough.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from mongomock import aggregate
from mongomock.collection import BulkOperationBuilder
from mongomock.store import ServerStore
from mongomock_motor import AsyncMongoMockClient, AsyncMongoMockCollection, AsyncMongoMockDatabase
from motor.motor_asyncio import AsyncIOMotorClient

from stores.embedded import EMBEDDED_SET

_NO_PLANS: Final = "mongomock has no `explain`: it looks through everything, whatever the indexes"
_NO_SCHEMAS: Final = "mongomock has no validators: it takes a document of any shape"
# Reasons by the test's name. These tests run all the same and must fail: a newer mongomock that passes is noticed.
LACKS: Final[Mapping[str, str]] = {
    "test_every_question_is_served_by_an_index": _NO_PLANS,
    "test_a_schema_refuses_unusable_documents_and_the_rest_is_written": _NO_SCHEMAS,
    "test_only_the_refused_record_of_a_batch_goes_to_quarantine": _NO_SCHEMAS}
# These tests are skipped: they pass in some runs only.
TOO_FAST: Final[Mapping[str, str]] = {
    "test_an_emergency_goes_before_the_backlog":
        "both messages leave at once, as mongomock claims sixty deliveries in the turn in which it claims one"}
_HOST: Final = "mongomock.invalid"  # other addresses are served by the real driver


def marks_of(test: str) -> list[pytest.MarkDecorator]:
    """The marks of a test that runs on mongomock."""
    marks = [pytest.mark.mongomock]
    if test in LACKS:
        marks.append(pytest.mark.xfail(reason=LACKS[test], strict=True))
    if test in TOO_FAST:
        marks.append(pytest.mark.skip(reason=TOO_FAST[test]))
    return marks


@contextlib.contextmanager
def mongomock_server() -> Iterator[str]:
    """The URL, without a database's name, of documents that all clients of this process share."""
    documents, real = ServerStore(), AsyncIOMotorClient

    def connect(url: str, **options: Any) -> Any:
        return _Client(url, _store=documents, **options) if urlsplit(url).hostname == _HOST else real(url, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stores.connection.AsyncIOMotorClient", connect)
        patch.setattr("mongomock.collection.BulkOperationBuilder", _Bulk)
        patch.setitem(aggregate._PIPELINE_HANDLERS, "$replaceWith", _replace_with)
        yield f"mongodb://{_HOST}/"


class _Bulk(BulkOperationBuilder):
    """PyMongo names a `sort` with each update, which mongomock does not know. Ours have none."""

    def add_update(self, *arguments: Any, sort: None = None, **options: Any) -> None:
        assert sort is None
        super().add_update(*arguments, **options)

    def add_replace(self, *arguments: Any, sort: None = None, **options: Any) -> None:
        assert sort is None
        super().add_replace(*arguments, **options)


def _replace_with(documents: list[Any], database: Any, new: Mapping[str, Any]) -> list[Any]:
    """The stage `$replaceWith` with the operator `$mergeObjects`, which mongomock lacks. It evaluates the parts."""
    [(operator, parts)] = new.items()
    assert operator == "$mergeObjects"

    def evaluated(part: Any, document: Any) -> Any:
        [found] = aggregate._PIPELINE_HANDLERS["$replaceRoot"]([document], database, {"newRoot": part})
        return found

    return [{name: value for part in parts for name, value in evaluated(part, one).items()} for one in documents]


class _Collection(AsyncMongoMockCollection):
    """A write waits for a turn of the event loop. Without that no await suspends, and no writer overtakes another one
    between its reading and its writing."""

    async def bulk_write(self, *arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0)
        return await super().bulk_write(*arguments, **options)

    async def update_one(self, *arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0)
        return await super().update_one(*arguments, **options)

    async def update_many(self, *arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0)
        return await super().update_many(*arguments, **options)


class _Names:
    """A cursor over the collections."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    async def to_list(self, _: None) -> list[dict[str, Any]]:
        return [{"name": name} for name in self._names]


class _Database(AsyncMongoMockDatabase):
    """With the commands by which collections are prepared. Schemas are not kept, and nothing is deleted by time."""

    def get_collection(self, *arguments: Any, **options: Any) -> _Collection:
        return _Collection(self, self.delegate.get_collection(*arguments, **options))

    async def list_collections(self) -> _Names:
        return _Names(await self.list_collection_names())

    async def command(self, command: Any, name: str = "", **options: Any) -> Any:
        match command:
            case "hello":
                return {"setName": EMBEDDED_SET}  # which gets no times of deletion either
            case "create":
                return await self.create_collection(name)
            case "collMod" if options.keys() == {"validator"}:
                return {"ok": 1.0}
        return await super().command(command, **options)


class _Client(AsyncMongoMockClient):
    def get_default_database(self, default: str, **_: Any) -> _Database:
        """The concerns of reading and writing have no meaning here."""
        return _Database(self, self.__getattr__("get_default_database")(default))
