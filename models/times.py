"""Times in the core are whole epoch seconds, dates are days since 2020-01-01; text exists only at the boundary.

Text is RFC 3339: on input with any offset and fraction, on output in UTC with `Z` and whole seconds.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from models.errors import ContractError

EPOCH_ORDINAL: Final = date(2020, 1, 1).toordinal()
EARLIEST: Final = 0  # 1970
LATEST: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())
EARLIEST_DAY: Final = date(1970, 1, 1).toordinal() - EPOCH_ORDINAL
LATEST_DAY: Final = date(2200, 1, 1).toordinal() - EPOCH_ORDINAL  # the first day that is no longer allowed
DAY: Final = 86_400
EPOCH_2020: Final = -EARLIEST_DAY * DAY  # 2020-01-01T00:00:00Z, epoch seconds
SHORT: Final = len("2026-11-23T21:04:05Z")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


_SECONDS: Final = {f"{second:02d}Z": second for second in range(60)}
_SECOND_TEXTS: Final = tuple(_SECONDS)
_MINUTE_TEXTS: Final = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))


def _read(text: str) -> int:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    ahead_hours, ahead_minutes = int(match[8] or 0), int(match[9] or 0)
    if second > 60 or ahead_hours > 23 or ahead_minutes > 59:
        raise ValueError(text)
    ahead = (ahead_hours * 60 + ahead_minutes) * (-60 if match[7] == "-" else 60)
    at = int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) + second - ahead
    if not EARLIEST <= at < LATEST:
        raise ValueError(text)
    return at


@lru_cache(maxsize=4096)
def _minute(text: str) -> int:
    """The start of a minute of UTC such as `2026-11-23T21:04:`; kept, since records of one minute arrive together."""
    return _read(text + "00Z")


@lru_cache(maxsize=4096)
def _read_short(text: str) -> int:
    """`_read`, kept: records that arrive together have few different times. Only for texts of SHORT characters."""
    second = _SECONDS.get(text[17:])  # the usual form: UTC, no fraction
    return _read(text) if second is None else _minute(text[:17]) + second


def parse_time(value: object, field: str) -> int:
    """Epoch seconds of an RFC 3339 time, the fraction dropped. Raises ContractError(field), also outside 1970-2199.

    A leap second (:60) counts as the first second of the next minute, as POSIX has it.
    """
    if not isinstance(value, str):
        raise ContractError(field)
    try:
        return _read_short(value) if len(value) == SHORT else _read(value)
    except ValueError:
        raise ContractError(field) from None


@lru_cache(maxsize=1024)
def _date_text(epoch_day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=epoch_day)).isoformat()


@lru_cache(maxsize=4096)
def format_time(seconds: int) -> str:
    """Epoch seconds as text for other programs: 2026-11-23T21:04:05Z."""
    day, second = divmod(seconds, DAY)
    minute, second = divmod(second, 60)
    return f"{_date_text(day)}{_MINUTE_TEXTS[minute]}{_SECOND_TEXTS[second]}"


def parse_date(value: object, field: str) -> int:
    """Days since 2020-01-01 of a date such as 2026-11-24. Raises ContractError(field)."""
    if not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) is None:
        raise ContractError(field)
    try:
        return date.fromisoformat(value).toordinal() - EPOCH_ORDINAL
    except ValueError:
        raise ContractError(field) from None


def format_date(day: int) -> str:
    return date.fromordinal(EPOCH_ORDINAL + day).isoformat()


def parse_clock(value: object, field: str) -> int:
    """The minute of the day of a text such as 06:41. Raises ContractError(field)."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ContractError(field)
    return int(match[1]) * 60 + int(match[2])


def format_clock(minute: int) -> str:
    """A minute of the day as text, such as 06:41."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
