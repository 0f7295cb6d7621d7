"""What a record does to a document, so that applying any part of the log again leaves every document as it was.

Three shapes: a current state, replaced only by a newer version; entries of a map, each with a version of its own or
always the same; figures derived anew from the document on every write. Nothing is counted, nothing depends on the clock
or on the order of arrival.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pymongo import UpdateOne

from stores.collections import BY_NAME

Document = dict[str, Any]
Version = int | list[Any]  # of one place always of one shape, and never of two bodies the same

VERSION: Final = "ver"


class Entry(NamedTuple):
    """What belongs at one path of a document, such as `reports.0-1-17`. version None: it is always the same."""

    value: Document
    version: Version | None = None

    @property
    def stored(self) -> Document:
        return self.value if self.version is None else {VERSION: self.version, **self.value}


@dataclass(slots=True)
class Change:
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

    def merge(self, other: "Change") -> None:
        """Take in what another record of the same batch does to the same document."""
        if other.version is not None and (self.version is None or self.version < other.version):
            self.version, self.state = other.version, other.state
        for path, entry in other.entries.items():
            there = self.entries.get(path)
            if there is None or _newer(entry.version, there.version):
                self.entries[path] = entry
        if self.happened is not None and other.happened is not None:
            self.happened = max(self.happened, other.happened)

    def operation(self) -> UpdateOne:
        """One pipeline update, filtered by _id alone."""
        collection = BY_NAME[self.collection]
        sets: Document = {name: {"$literal": value} for name, value in self.fixed.items()}
        sets["schema"] = {"$ifNull": ["$schema", collection.schema]}  # what is older stays so until it is lifted whole
        sets |= {path: _kept_or(path, entry) for path, entry in self.entries.items()}
        stages: list[Document] = [{"$set": sets}]
        if self.version is not None:
            new = {"$mergeObjects": ["$$ROOT", {"$literal": {VERSION: self.version, **self.state}}]}
            # A missing version is less than any.
            stages.append({"$replaceWith": {"$cond": [{"$lt": [f"${VERSION}", self.version]}, new, "$$ROOT"]}})
        if collection.computed:
            stages.append({"$set": dict(collection.computed)})
        return UpdateOne({"_id": self.id}, stages, upsert=True)


def merged(changes: list[Change]) -> list[Change]:
    """One change a document."""
    by_place: dict[tuple[str, str], Change] = {}
    for change in changes:
        there = by_place.setdefault(change.place, change)
        if there is not change:
            there.merge(change)
    return list(by_place.values())


def _newer(one: Version | None, other: Version | None) -> bool:
    return one is not None and other is not None and bool(one > other)  # type: ignore[operator]  # of one shape


def _kept_or(path: str, entry: Entry) -> Document:
    literal: Document = {"$literal": entry.stored}
    if entry.version is None:
        return literal
    return {"$cond": [{"$lt": [f"${path}.{VERSION}", {"$literal": entry.version}]}, literal, f"${path}"]}
