"""Every write computes the figures of a document from the whole document (the Computed pattern): by pure functions.

No figure is counted up, so a repeated record changes nothing, and a record that arrives out of order corrects the
figure. Each function takes a document and returns the fields that are computed from its other fields.
"""

from collections.abc import Iterable
from itertools import islice
from statistics import median_low
from typing import Any, Final

from models.figures import MORNINGS
from stores.projection.document import Document

MORNINGS_KEPT: Final = 84    # the newest mornings of a person: eight weeks, and room for gaps
MEASURED_KEPT: Final = 21    # the newest days of a device
_NO_COUNTS: Final[Document] = {"place": None, "late": False, "woke": None}  # for a report of the first schema


def person(document: Document) -> Document:
    """Compute the field `moved` from `sites`: whether the person has changed the site."""
    return {"moved": len(document.get("sites", {})) > 1}


def bucket(document: Document) -> Document:
    """Compute `c` from `reports` and `seen`: figures of the week, and the parts of the figures of each day.

    A part is by place (date and site). So the figures of a day are computed without a read of all reports.
    """
    reports = document["reports"].values()
    counts = [one.get("counts") or _NO_COUNTS for one in reports]
    days: dict[str, list[Document]] = {}
    for one in counts:
        if one["place"] is not None:
            days.setdefault(one["place"], []).append(one)
    return {"c": {
        "n": len(counts),
        "late": _late_sms(counts),
        "last": max(one["received_at"] for one in reports),
        "battery_min": _least(one.get("battery_pct") for one in reports),
        "signal_min": _least(one.get("signal_dbm") for one in reports),
        "places": sorted({one["place"] for one in document.get("seen", {}).values()}),
        "days": [{"place": place, "n": len(ones), "late": _late_sms(ones), "woke": _least(one["woke"] for one in ones)}
                 for place, ones in sorted(days.items())]}}


def state(document: Document) -> Document:
    """Compute the newest `mornings` (by date, the minute of the first activity), and `c`: how they change."""
    mornings = _newest(document.get("mornings", {}), MORNINGS_KEPT)
    minutes = [one["minute"] for one in mornings.values()]
    now, before = minutes[:MORNINGS], minutes[MORNINGS:2 * MORNINGS]
    woke, woke_before = _median(now), _median(before)
    return {"mornings": mornings, "c": {
        "mornings": len(now), "mornings_before": len(before), "woke": woke, "woke_before": woke_before,
        "later_min": None if woke is None or woke_before is None else woke - woke_before}}


def device(document: Document) -> Document:
    """Compute `attrs` from `measured`: a list, which an index can hold. Compute `c` from `trend`, by date.

    `c` tells how battery and signal change. It uses only days of the newest epoch: the battery of an earlier device
    says nothing about the present one.
    """
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
              # How many days the battery will last at the present rate; None if it does not go down.
              "days_left": battery / -battery_a_day if battery_a_day is not None and battery_a_day < 0 else None}}


def _late_sms(counts: Iterable[Document]) -> int:
    return sum(1 for one in counts if one["late"])


def _least(values: Iterable[Any]) -> Any:
    return min((one for one in values if one is not None), default=None)


def _median(minutes: list[int]) -> int | None:
    """Return the median; of two middle values the earlier one."""
    return median_low(minutes) if minutes else None


def _newest(by_date: Document, kept: int) -> Document:
    """Return the entries of the latest dates, the newest first. The result does not depend on the order of writing."""
    return dict(islice(sorted(by_date.items(), reverse=True), kept))


def _line(points: Iterable[Document | None]) -> tuple[Any, float | None]:
    """Return the value of the newest point, and the slope in units a day by least squares.

    The slope is None for fewer than three points. All sums are of whole numbers.
    points: the newest first.
    """
    known = [one for one in points if one is not None]
    n = len(known)
    newest = known[0]["y"] if known else None
    if n < 3:
        return newest, None
    x, y, xx, xy = (sum(one[name] for one in known) for name in ("x", "y", "xx", "xy"))
    return newest, (n * xy - x * y) / (n * xx - x * x)
