"""What others need of the stores to write, and no more; the adapter is in `mongo.py`, reads are in `queries.py`."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from stores.operations import Change


class History(Protocol):
    """Where `record` writes. Methods raise StoreAwayError; doing the same again changes nothing."""

    async def prepare(self) -> None:
        """Collections, validators, indexes."""

    async def apply(self, changes: Iterable[Change]) -> None:
        """Changes of different documents. Raises StoreRefusedError with the places that can never be written."""

    async def refresh_days(self, changes: Iterable[Change]) -> None:
        """Figures by day and site, after these changes were applied."""


class Personal(Protocol):
    """What the page writes, none of it judged. Both raise StoreAwayError."""

    async def set_contact(self, subject: int, contact: Mapping[str, Any]) -> None:
        """name, telephone, address, notes."""

    async def append_audit(self, key: str, at: str, by: str, action: str, subject: int | None = None,
                           detail: Mapping[str, Any] | None = None) -> None:
        """Who saw or did what."""
