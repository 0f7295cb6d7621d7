"""Long lists come in pages, the newest first.

A query looks for the newest documents in a short period first, then in longer periods, and at last without a bound.
MongoDB walks an index and stops at the limit. The embedded database sorts all matches before it applies the limit: it
would sort a year of alerts for one page. A short period is enough nearly always, and the further queries cost little.
"""

import base64
from collections.abc import Callable, Iterable
from typing import NamedTuple

import orjson

from stores.connection import DriverCollection
from stores.projection.document import Document


class CursorError(ValueError):
    """The text is no cursor that Anbu made."""


class Page(NamedTuple):
    """A page of rows.

    cursor: where the next page begins; None if there are no more rows.
    """

    rows: list[Document]
    cursor: str | None


def cursor_of(*parts: object) -> str:
    """Return a cursor: where the next page begins, as an opaque text."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def parts_of(cursor: str, *kinds: Callable[[str], object]) -> list[str]:
    """Return the parts of a cursor. Raises CursorError.

    kinds: a function for each part; it raises ValueError if the part is wrong.
    """
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise CursorError(cursor)
        for kind, part in zip(kinds, found, strict=True):
            kind(part)
    except ValueError as error:
        raise CursorError(cursor) from error
    return found


async def newest(collection: DriverCollection, where: Document, order: list[tuple[str, int]], begins: Iterable[str],
                 limit: int, only: Document) -> list[Document]:
    """Return at most `limit` documents, the newest first.

    order: descending, with the field of time first.
    begins: the beginnings of the periods to look into, the latest first.
    only: the projection.
    """
    field = order[0][0]
    bounds: Document = where.get(field) or {}
    asked = [{**where, field: {**bounds, "$gte": begin}} for begin in begins if begin > bounds.get("$gte", "")]
    for one in [*asked, where]:
        found: list[Document] = await collection.find(one, only).sort(order).limit(limit).to_list(None)
        if len(found) == limit:
            break
    return found
