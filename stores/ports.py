"""What others need of the stores to write, and no more; the adapter is in `mongo.py`, reads are in `queries.py`."""

from collections.abc import Iterable
from typing import Protocol

from stores.operations import Change


class History(Protocol):
    """Where `record` writes. Methods raise StoreAwayError; doing the same again changes nothing."""

    async def prepare(self) -> None:
        """Collections, validators, indexes."""

    async def apply(self, changes: Iterable[Change]) -> None:
        """Changes of different documents. Raises StoreRefusedError with the places that can never be written."""

    async def refresh_days(self, changes: Iterable[Change]) -> None:
        """Figures by day and site, after these changes were applied."""
