"""Instants as local times and local dates of a time zone."""

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

    The result is kept by minute, since most calls at a time are for one hour. Since 1972 each zone differs from UTC by
    whole minutes.
    """
    return _day_of_minute(tz, at // 60)
