"""Instants as the clock on the wall of a time zone shows them."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.times import EPOCH_ORDINAL


@lru_cache(maxsize=4096)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_time(tz: str, at: int) -> datetime:
    return datetime.fromtimestamp(at, zone(tz))


@lru_cache(maxsize=4096)
def _day_of_minute(tz: str, minute: int) -> int:
    return local_time(tz, minute * 60).toordinal() - EPOCH_ORDINAL


def local_day(tz: str, at: int) -> int:
    """The local date of an instant, in days since 2020-01-01.

    By the minute, since what is asked together is of one hour: every zone is whole minutes off UTC since 1972.
    """
    return _day_of_minute(tz, at // 60)
