"""The newest of many documents: asked for in a short time first, then in longer ones, at last without a bound.

MongoDB walks an index and stops at the limit. The embedded database sorts all that matches before it counts: a year of
alerts for a page of them. A short time is enough nearly always, and the further questions cost little where it is not.
"""

from collections.abc import Iterable
from typing import Any

from stores.connection import Document


async def newest(collection: Any, where: Document, order: list[tuple[str, int]], begins: Iterable[str], limit: int,
                 only: Document) -> list[Document]:
    """At most `limit` documents, and whether there are more must not matter. collection: Motor's. order: descending, by
    the field of time first. begins: of the times to look into, the latest first. only: the projection."""
    field = order[0][0]
    bounds: Document = where.get(field) or {}
    asked = [{**where, field: {**bounds, "$gte": begin}} for begin in begins if begin > bounds.get("$gte", "")]
    for one in [*asked, where]:
        found: list[Document] = await collection.find(one, only).sort(order).limit(limit).to_list(None)
        if len(found) == limit:
            break
    return found
