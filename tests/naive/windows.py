"""Rules 1, 2, 7: the windows of a person and their times, the dates that are excused."""

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from naive.records import FIRST_DAY, Json


@cache
def instant(day: int, minute: int, zone: ZoneInfo) -> int:
    """Rule 1: a local time that does not exist moves forward by the gap, an ambiguous one is the first (PEP 495,
    fold 0)."""
    local = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), tzinfo=zone)
    return int(local.replace(hour=minute // 60, minute=minute % 60).timestamp())


def local_day(moment: int, zone: ZoneInfo) -> int:
    found: date = datetime.fromtimestamp(moment, zone).date()
    return (found - FIRST_DAY).days


def _times_by(profile: Json, window: int) -> Json | None:
    if window % 2 not in profile["windows"]:
        return None
    opens, closes = profile["windows"][window % 2]
    opened, closed = instant(window // 2, opens, profile["zone"]), instant(window // 2, closes, profile["zone"])
    deadline = max(opened, closed + profile["grace_min"] * 60)  # in spring a window may close before it opens
    return {"open": opened, "close": closed, "deadline": deadline, "since": profile["since"]}


def times(person: Json, window: int) -> Json | None:
    """When the window opens and when its deadline is, in epoch seconds; null: none of the subject's.

    Rule 2: `watched`, it is to be judged, if it opens at or after `since` and after the person's first record. A later
    record changes nothing for a watched window that has opened, by the schedule before it or by its own.
    """
    found: Json | None = None
    start = person["start"]
    for moment, profile in person["history"]:
        new = _times_by(profile, window)
        if moment is not None:
            if found and found["watched"] and (found["open"] <= moment or (new and new["open"] <= moment)):
                continue
            start = max(start, moment)
        found = new and {**new, "watched": start is not None and new["open"] > start and new["open"] >= new["since"]}
    return found


def still_to_be_judged(person: Json, window: int) -> bool:
    """Rules 2 and 8: a deadline to come will judge the window."""
    mine = times(person, window)
    return mine is not None and mine["watched"] and window not in person["judged"]


def windows_near(person: Json, first_moment: int, last_moment: int) -> list[int]:
    """All windows, the subject's or not, from two days before to two days after, in rule 1's order."""
    zone = person["profile"]["zone"]
    first, last = local_day(first_moment, zone) - 2, local_day(last_moment, zone) + 2
    return list(range(max(first, 0) * 2, last * 2 + 2))


def is_excused(person: Json, day: int) -> bool:
    """Rule 7: the last command in the topic prevails over earlier ones and over the registry."""
    if day in person["excuses"]:
        return bool(person["excuses"][day])
    return any(first <= day <= last for first, last in person["profile"]["excused"])
