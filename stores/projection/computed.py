"""Figures that every write derives anew from the document itself (the Computed pattern): pure functions of it.

Nothing is counted up, so a record that comes again changes nothing, and a late one corrects the figure. Each function
takes a document and returns the fields that are derived from its others.
"""

from collections.abc import Iterable
from itertools import islice
from statistics import median_low
from typing import Any, Final

from models.figures import MORNINGS

Document = dict[str, Any]

MORNINGS_KEPT: Final = 84    # of a person, the newest: eight weeks and what is missing in them
MEASURED_KEPT: Final = 21    # days of a device, the newest
_NO_COUNTS: Final[Document] = {"place": None, "late": False, "woke": None}  # of a report of the first schema


def person(document: Document) -> Document:
    """Of `sites`, by name every one that the person was of: whether they came from another one."""
    return {"moved": len(document.get("sites", {})) > 1}


def bucket(document: Document) -> Document:
    """Of `reports` and `seen`: `c`, what is known of the week, and by place, a date and site, what the figures of that
    day are made from, so that nobody has to read all reports for them."""
    reports = document["reports"].values()
    counts = [one.get("counts") or _NO_COUNTS for one in reports]
    days: dict[str, list[Document]] = {}
    for one in counts:
        if one["place"] is not None:
            days.setdefault(one["place"], []).append(one)
    return {"c": {
        "n": len(counts),
        "late": _late(counts),
        "last": max(one["received_at"] for one in reports),
        "battery_min": _least(one.get("battery_pct") for one in reports),
        "signal_min": _least(one.get("signal_dbm") for one in reports),
        "places": sorted({one["place"] for one in document.get("seen", {}).values()}),
        "days": [{"place": place, "n": len(ones), "late": _late(ones), "woke": _least(one["woke"] for one in ones)}
                 for place, ones in sorted(days.items())]}}


def state(document: Document) -> Document:
    """Of `mornings`, by date the minute of the day of the first activity: the newest of them, and how they change."""
    mornings = _newest(document.get("mornings", {}), MORNINGS_KEPT)
    minutes = [one["minute"] for one in mornings.values()]
    now, before = minutes[:MORNINGS], minutes[MORNINGS:2 * MORNINGS]
    woke, woke_before = _median(now), _median(before)
    return {"mornings": mornings, "c": {
        "mornings": len(now), "mornings_before": len(before), "woke": woke, "woke_before": woke_before,
        "later_min": None if woke is None or woke_before is None else woke - woke_before}}


def device(document: Document) -> Document:
    """Of `measured`: `attrs`, a list, which an index can hold. Of `trend`, by date: the newest days, and where battery
    and signal are going: of the device that is there now, as another one's battery says nothing of its own."""
    measured = document.get("measured", {}).values()
    trend = _newest(document.get("trend", {}), MEASURED_KEPT)
    epoch = max((one["ver"][0] for one in trend.values()), default=None)
    days = [one for one in trend.values() if one["ver"][0] == epoch]
    battery, battery_a_day = _line(one["battery"] for one in days)
    signal, signal_a_day = _line(one["signal"] for one in days)
    return {
        "attrs": [{name: one[name] for name in ("k", "v", "u", "t")}
                  for one in sorted(measured, key=lambda one: str(one["k"]))],
        "trend": trend,
        "c": {"battery_pct": battery, "signal_dbm": signal,
              "battery_a_week": None if battery_a_day is None else battery_a_day * 7,
              "signal_a_week": None if signal_a_day is None else signal_a_day * 7,
              # How many days the battery will last as it goes down now; None where it does not.
              "days_left": battery / -battery_a_day if battery_a_day is not None and battery_a_day < 0 else None}}


def _late(counts: Iterable[Document]) -> int:
    return sum(1 for one in counts if one["late"])


def _least(values: Iterable[Any]) -> Any:
    return min((one for one in values if one is not None), default=None)


def _median(minutes: list[int]) -> int | None:
    """The earlier one of two in the middle."""
    return median_low(minutes) if minutes else None


def _newest(by_date: Document, kept: int) -> Document:
    """The last entries, the newest first. Which these are does not depend on the order of writing."""
    return dict(islice(sorted(by_date.items(), reverse=True), kept))


def _line(points: Iterable[Document | None]) -> tuple[Any, float | None]:
    """Of points, the newest first: its value, and units a day by least squares, None of fewer than three. All sums are
    of whole numbers."""
    known = [one for one in points if one is not None]
    n = len(known)
    newest = known[0]["y"] if known else None
    if n < 3:
        return newest, None
    x, y, xx, xy = (sum(one[name] for one in known) for name in ("x", "y", "xx", "xy"))
    return newest, (n * xy - x * y) / (n * xx - x * x)
