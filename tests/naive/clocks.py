""" "Clocks", receiving rule 2 and rule 23: which reports are fresh, which clocks are wrong, what counts as the order.

The order of a report is its (epoch, counter); the order of a report by rule 23 is the highest (epoch, counter) seen.
"""

from naive.records import Json
from naive.world import stamp

DAY, QUARTER = 24 * 3600, 15 * 60
OLDEST_DEVICE = 1735689600  # 2025-01-01T00:00:00Z

Order = tuple[int, int]


def highest_seen(person: Json, slot: int) -> Order:
    """The highest (epoch, counter) of the slot among the accepted reports."""
    return max(((epoch, max(counters)) for (of, epoch), counters in person["seen"].items() if of == slot and counters),
               default=(-1, -1))


def wrong_clock(person: Json, report: Json, now: int) -> str | None:
    """Why the clock is wrong: `unknown`, `ahead`, `before`, `back`; null: it is right."""
    clock = report["device_time"]
    if clock is None:
        return "unknown"
    if clock > now + DAY:
        return "ahead"
    if clock < OLDEST_DEVICE:
        return "before"
    latest = person["right_clock"].get(report["slot"])
    if latest and clock < latest["clock"] - QUARTER and (report["epoch"], report["counter"]) > latest["order"]:
        return "back"
    return None


def take(person: Json, report: Json, now: int) -> bool:
    """Receiving rule 2 and rule 23: whether the report goes on. It gets `wrong`, `below` (the replay window),
    `fell_back` (rule 23), `before` (the highest order until now) and `order`."""
    slot, epoch, counter = report["slot"], report["epoch"], report["counter"]
    seen = person["seen"].setdefault((slot, epoch), set())
    report["before"] = highest_seen(person, slot)
    report["order"] = (epoch, counter)
    report["wrong"] = wrong_clock(person, report, now) if report["type"] == 1 else None
    below = bool(seen) and counter < max(seen) - 255
    latest = person["right_clock"].get(slot)
    report["fell_back"] = bool((below or counter in seen) and report["type"] == 1 and latest and not report["wrong"]
                               and report["device_time"] > latest["clock"])
    report["below"] = below and not report["fell_back"]
    if report["fell_back"]:
        report["order"] = report["before"]
        report["id"] = f"{report['id']}@{stamp(report['device_time'])}"
    elif counter in seen and not below:
        return False
    elif not below:
        seen.add(counter)
        person["highest_epoch"][slot] = max(person["highest_epoch"].get(slot, -1), epoch)
    _keep_right_clock(person, report)
    return True


def _keep_right_clock(person: Json, report: Json) -> None:
    """A fresh report with a right clock replaces the latest right clock if it is newer, or by rule 23."""
    if report["type"] != 1 or report["wrong"] or report["below"]:
        return
    latest = person["right_clock"].get(report["slot"])
    if latest is None or report["fell_back"] or report["order"] > latest["order"]:
        person["right_clock"][report["slot"]] = {"clock": report["device_time"], "order": report["order"]}
