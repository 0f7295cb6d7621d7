"""A change of a document can be applied any number of times: to apply any part of the log again changes nothing.

A document has three kinds of content:

- a current state, which only a newer version replaces;
- entries of a map: an entry has its own version, or is always the same;
- figures, which every change computes from the whole document.

No change counts anything. No change depends on the clock or on the order of arrival.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from stores.projection.collections import BY_NAME
from stores.projection.document import Document

Version = int | list[Any]  # one place always has one of the two shapes; two bodies never have the same version

VERSION: Final = "ver"


class Entry(NamedTuple):
    """The value for one path of a document, such as `reports.0-1-17`.

    version: the value with the higher version replaces the other; None: the value at this path never changes.
    """

    value: Document
    version: Version | None = None

    def newer(self, there: Document | None) -> Document:
        """Return the newer of two values: the value of this entry, or the stored value `there`."""
        if self.version is None:
            return self.value
        if there is None or _is_older(there.get(VERSION), self.version):
            return {VERSION: self.version, **self.value}
        return there


@dataclass(slots=True)
class DocumentChange:
    """The change that a batch makes to one document.

    fixed: the fields that are the same in every change of the document.
    version: the version of `state`; None if the change does not touch the current state.
    state: the current state, which stands at the top of the document.
    entries: the entries of maps, by path.
    happened: the time from which the retention of the document counts, epoch seconds; None: no retention applies.
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
        """Add the change that another record of the same batch makes to the same document."""
        if other.version is not None and (self.version is None or self.version < other.version):
            self.version, self.state = other.version, other.state
        for path, entry in other.entries.items():
            there = self.entries.get(path)
            if there is None or (entry.version is not None and _is_older(there.version, entry.version)):
                self.entries[path] = entry
        if self.happened is not None and other.happened is not None:
            self.happened = max(self.happened, other.happened)

    def applied(self, there: Document | None) -> Document:
        """Return the document after this change. there: the stored document, or None."""
        collection = BY_NAME[self.collection]
        # A document of an older schema keeps its schema until a migration lifts the whole document.
        document: Document = {"schema": collection.schema, **(there or {}), **self.fixed}
        for path, entry in self.entries.items():
            field, _, key = path.partition(".")
            if not key:
                document[field] = entry.newer(document.get(field))
            else:
                if (inside := document.get(field)) is None or inside is (there or {}).get(field):
                    inside = document[field] = dict(inside or {})  # a copy: the document that was read stays unchanged
                inside[key] = entry.newer(inside.get(key))
        if self.version is not None and _is_older(document.get(VERSION), self.version):
            document |= {VERSION: self.version, **self.state}
        return document if collection.computed is None else document | collection.computed(document)


def merged(changes: list[DocumentChange]) -> list[DocumentChange]:
    """Merge the changes so that each document has one change."""
    by_place: dict[tuple[str, str], DocumentChange] = {}
    for change in changes:
        there = by_place.setdefault(change.place, change)
        if there is not change:
            there.merge(change)
    return list(by_place.values())


def _is_older(there: Version | None, version: Version) -> bool:
    """A missing version is older than any other."""
    return there is None or bool(there < version)  # type: ignore[operator]  # both have one shape
