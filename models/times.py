"""Times in the core are whole epoch seconds, dates are days since 2020-01-01; text exists only at the boundary.

RFC 3339 on input with any offset and fraction, on output in UTC with `Z` and whole seconds.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from models.errors import ContractError

EPOCH_ORDINAL: Final = date(2020, 1, 1).toordinal()
EARLIEST: Final = 0  # 1970
LATEST: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())
_DAY: Final = 86_400
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


@lru_cache(maxsize=1024)
def _midnight(text: str) -> int:
    return int(datetime(int(text[:4]), int(text[5:7]), int(text[8:10]), tzinfo=UTC).timestamp())


def parse_time(value: object, field: str) -> int:
    """Epoch seconds of an RFC 3339 time, the fraction dropped. Raises ContractError(field), also outside 1970-2199.

    A leap second (:60) counts as the first second of the next minute, as POSIX has it.
    """
    match = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ContractError(field)
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    if hour > 23 or minute > 59 or second > 60:
        raise ContractError(field)
    offset = 0
    if match[7]:
        hours, minutes = int(match[8]), int(match[9])
        if hours > 23 or minutes > 59:
            raise ContractError(field)
        offset = (hours * 60 + minutes) * (-60 if match[7] == "-" else 60)
    try:
        at = _midnight(match[0][:10]) + hour * 3600 + minute * 60 + second - offset
    except ValueError:
        raise ContractError(field) from None
    if not EARLIEST <= at < LATEST:
        raise ContractError(field)
    return at


@lru_cache(maxsize=1024)
def _date_text(epoch_day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=epoch_day)).isoformat()


def format_time(seconds: int) -> str:
    day, second = divmod(seconds, _DAY)
    minute, second = divmod(second, 60)
    return f"{_date_text(day)}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}Z"


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


@lru_cache(maxsize=4096)
def format_window(window: int) -> str:
    """A window as other programs know it: 2026-11-24:morning."""
    return f"{format_date(window >> 1)}:{'afternoon' if window & 1 else 'morning'}"
