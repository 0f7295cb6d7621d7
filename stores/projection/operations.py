"""What a record does to a document, so that applying any part of the log again leaves every document as it was.

Three shapes: a current state, replaced only by a newer version; entries of a map, each with a version of its own or
always the same; figures derived anew from the document on every change. Nothing is counted, nothing depends on the
clock or on the order of arrival.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from stores.projection.collections import BY_NAME

Document = dict[str, Any]
Version = int | list[Any]  # of one place always of one shape, and never of two bodies the same

VERSION: Final = "ver"


class Entry(NamedTuple):
    """What belongs at one path of a document, such as `reports.0-1-17`. version None: it is always the same."""

    value: Document
    version: Version | None = None

    def newer(self, there: Document | None) -> Document:
        """Of this and what is there that which stays."""
        if self.version is None:
            return self.value
        if there is None or _is_older(there.get(VERSION), self.version):
            return {VERSION: self.version, **self.value}
        return there


@dataclass(slots=True)
class DocumentChange:
    """What a batch does to one document.

    fixed: fields that are the same in every change of the document; version and state: the current state at the top of
    the document, None where it is not touched; entries: by path. happened: epoch seconds; None where it does not matter
    how long ago that is.
    """

    collection: str
    id: str
    fixed: Document = field(default_factory=dict)
    version: int | None = None
    state: Document = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    happened: int | None = None

    @property
    def subject(self) -> int | None:
        subject = self.fixed.get("subject")
        return subject if isinstance(subject, int) else None

    @property
    def place(self) -> tuple[str, str]:
        return self.collection, self.id

    def merge(self, other: "DocumentChange") -> None:
        """Take in what another record of the same batch does to the same document."""
        if other.version is not None and (self.version is None or self.version < other.version):
            self.version, self.state = other.version, other.state
        for path, entry in other.entries.items():
            there = self.entries.get(path)
            if there is None or (entry.version is not None and _is_older(there.version, entry.version)):
                self.entries[path] = entry
        if self.happened is not None and other.happened is not None:
            self.happened = max(self.happened, other.happened)

    def applied(self, there: Document | None) -> Document:
        """What a document, None where there is none, should be after it."""
        collection = BY_NAME[self.collection]
        # What is of an older schema stays so until it is lifted whole.
        document: Document = {"schema": collection.schema, **(there or {}), **self.fixed}
        for path, entry in self.entries.items():
            field, _, key = path.partition(".")
            if not key:
                document[field] = entry.newer(document.get(field))
            else:
                if (inside := document.get(field)) is None or inside is (there or {}).get(field):
                    inside = document[field] = dict(inside or {})  # what was read stays as it was read
                inside[key] = entry.newer(inside.get(key))
        if self.version is not None and _is_older(document.get(VERSION), self.version):
            document |= {VERSION: self.version, **self.state}
        return document if collection.computed is None else document | collection.computed(document)


def merged(changes: list[DocumentChange]) -> list[DocumentChange]:
    """One change a document."""
    by_place: dict[tuple[str, str], DocumentChange] = {}
    for change in changes:
        there = by_place.setdefault(change.place, change)
        if there is not change:
            there.merge(change)
    return list(by_place.values())


def _is_older(there: Version | None, version: Version) -> bool:
    """A missing version is older than any."""
    return there is None or bool(there < version)  # type: ignore[operator]  # of one shape
