"""What a record does to a document, so that applying any part of the log again leaves every document as it was.

Two shapes (B7 and S2 of the design): a map keyed by event id takes entries, and of one entry the rightful one stays; a
current state is replaced only by a newer version. Nothing is counted, nothing depends on the clock or on arrival.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import UpdateOne

Document = dict[str, Any]


@dataclass(slots=True)
class Change:
    """What a batch does to one document. version None: no current state is touched.

    fields: the current state, if `version` is newer than what is there; entries: by map field and key;
    reports: like entries, but of one id the one that is not late stays, else the one that was received first;
    unset: fields that are to be removed with the new state.
    """

    collection: str
    id: str
    version: list[Any] | int | None = None
    fields: Document = field(default_factory=dict)
    always: Document = field(default_factory=dict)
    entries: dict[tuple[str, str], Document] = field(default_factory=dict)
    reports: dict[tuple[str, str], Document] = field(default_factory=dict)

    def merge(self, other: "Change") -> None:
        """Take in what another record of the same batch does to the same document."""
        if other.version is not None and (self.version is None or _newer(other.version, self.version)):
            self.version, self.fields = other.version, other.fields
        self.always |= other.always
        self.entries |= other.entries
        for place, report in other.reports.items():
            there = self.reports.get(place)
            if there is None or _rank(report) < _rank(there):
                self.reports[place] = report

    def operation(self) -> UpdateOne:
        """One pipeline update, filtered by _id alone."""
        stages: list[Mapping[str, Any]] = []
        sets: Document = {name: {"$literal": value} for name, value in self.always.items()}
        sets |= {f"{name}.{key}": {"$literal": entry} for (name, key), entry in self.entries.items()}
        sets |= {f"{name}.{key}": _rightful(f"${name}.{key}", report) for (name, key), report in self.reports.items()}
        if sets:
            stages.append({"$set": sets})
        if self.version is not None:
            new = {"$mergeObjects": ["$$ROOT", {"$literal": {"ver": self.version, **self.fields}}]}
            known = {"$ifNull": ["$ver", None]}
            stages.append({"$replaceWith": {"$cond": [
                {"$or": [{"$eq": [known, None]}, {"$lt": [known, {"$literal": self.version}]}]}, new, "$$ROOT"]}})
        return UpdateOne({"_id": self.id}, stages, upsert=True)


def _newer(one: list[Any] | int, other: list[Any] | int) -> bool:
    return bool(one > other)  # type: ignore[operator]  # versions of one collection are of one type


def _rank(report: Document) -> tuple[bool, str]:
    """Smaller is rightful: not late before late, then the earliest received."""
    return report["late"], report["received_at"]


def _rightful(path: str, report: Document) -> Document:
    """The report that is there, unless the new one has the better right to its id."""
    there_late, there_at = {"$ifNull": [f"{path}.late", True]}, {"$ifNull": [f"{path}.received_at", "9999"]}
    if report["late"]:
        better: Document = {"$and": [there_late, {"$gt": [there_at, report["received_at"]]}]}
    else:
        better = {"$or": [there_late, {"$gt": [there_at, report["received_at"]]}]}
    return {"$cond": [better, {"$literal": report}, path]}
