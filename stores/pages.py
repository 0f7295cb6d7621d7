"""What is long comes in pages, the newest first.

The newest of many are asked for in a short time first, then in longer ones, at last without a bound. MongoDB walks an
index and stops at the limit; the embedded database sorts all that matches before it limits: a year of alerts for a page
of them. A short time is enough nearly always, and the further questions cost little where it is not.
"""

import base64
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import orjson

from stores.connection import Document


class CursorError(ValueError):
    """Not a cursor of ours."""


class Page(NamedTuple):
    """rows, and where the next ones begin; None: there are no more."""

    rows: list[Document]
    cursor: str | None


def cursor_of(*parts: Any) -> str:
    """Where the next page begins, as a text that is nobody else's business."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def parts_of(cursor: str, *kinds: Callable[[str], object]) -> list[str]:
    """kinds: each reads a part, or raises ValueError. Raises CursorError."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise CursorError(cursor)
        for kind, part in zip(kinds, found, strict=True):
            kind(part)
    except ValueError as error:
        raise CursorError(cursor) from error
    return found


async def newest(collection: Any, where: Document, order: list[tuple[str, int]], begins: Iterable[str], limit: int,
                 only: Document) -> list[Document]:
    """At most `limit` documents. collection: Motor's. order: descending, by the field of time first. begins: of the
    times to look into, the latest first. only: the projection."""
    field = order[0][0]
    bounds: Document = where.get(field) or {}
    asked = [{**where, field: {**bounds, "$gte": begin}} for begin in begins if begin > bounds.get("$gte", "")]
    for one in [*asked, where]:
        found: list[Document] = await collection.find(one, only).sort(order).limit(limit).to_list(None)
        if len(found) == limit:
            break
    return found
