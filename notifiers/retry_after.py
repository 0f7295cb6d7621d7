"""A Retry-After header gives the wait before a retry (RFC 9110, 10.2.3).

The pipeline uses this file too, and has no package but httpx.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MOST_S: Final = 3600.0  # a longer wait is not meant seriously


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, which has seconds or a date; None if it has neither."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        seconds = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), MOST_S)
