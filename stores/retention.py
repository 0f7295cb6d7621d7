"""Documents older than the retention of their collection are deleted by `dated`, and are never written again.

So a replay of old records brings no document back, and the figures of a day whose sources are gone stay unchanged.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from models.times import DAY
from stores.connection import Database
from stores.errors import mapped
from stores.projection.collections import ALERTS, AUDIT, BUCKETS, CHECKINS, DAYS, INCIDENTS, KEPT, SCHEMA
from stores.projection.operations import DocumentChange

# A year can be compared with the one before; figures and the audit log stay for longer.
DEFAULT_DAYS: Final[Mapping[str, int]] = {
    BUCKETS: 400, CHECKINS: 400, ALERTS: 400, INCIDENTS: 400, DAYS: 3650, AUDIT: 1095}
SOURCES: Final = (BUCKETS, CHECKINS, ALERTS)  # the sources of the figures of a day
_OF_SOURCES: Final = "sources"
SHORTEST: Final = 35  # days: the topics keep 30, and replayed records must find their documents
LONGEST: Final = (2**31 - 1) // DAY  # days: MongoDB counts the seconds until a deletion in 32 bits


def parse_retention(text: str) -> dict[str, int]:
    """Parse a text such as buckets=400,alerts=800: days by collection. Raises ValueError."""
    found = dict(DEFAULT_DAYS)
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, equals, days = part.partition("=")
        if not equals or name not in DEFAULT_DAYS or not days.isdecimal() or not SHORTEST <= int(days) <= LONGEST:
            raise ValueError(f"must be such as buckets=400,alerts=800, of {', '.join(DEFAULT_DAYS)}, each "
                             f"{SHORTEST} to {LONGEST} days")
        found[name] = int(days)
    return found


def is_kept(change: DocumentChange, retention: Mapping[str, int], now: float) -> bool:
    """Return False if the database would delete the changed document at once."""
    days = retention.get(change.collection)
    return days is None or change.happened is None or change.happened >= now - days * DAY


def oldest_day(retention: Mapping[str, int], now: float) -> str:
    """Return the first date whose figures have all their sources and are kept themselves."""
    return max(first_kept(min(retention[name] for name in SOURCES), now), _date(now - (retention[DAYS] - 1) * DAY))


def first_kept(days: int, now: float) -> str:
    """Return the first date of which no document is deleted, if documents are kept for `days`."""
    return _date(now - (days - 7) * DAY)  # a week goes as a whole


def _date(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()


async def whole_since(database: Database) -> str:
    """Return the first date whose sources no former, shorter retention deleted; empty if none was shorter.

    database: a database of Motor. Raises StoreAwayError.
    """
    with mapped():
        found = await database[KEPT].find_one({"_id": _OF_SOURCES})
    return "" if found is None else str(found["since"])


async def keep_longer(database: Database, name: str, days: int, now: float) -> None:
    """Note that documents were kept for `days`; called before their retention becomes longer."""
    if name in SOURCES:
        await database[KEPT].update_one({"_id": _OF_SOURCES}, {
            "$max": {"since": first_kept(days, now)}, "$setOnInsert": {"schema": SCHEMA}}, upsert=True)
