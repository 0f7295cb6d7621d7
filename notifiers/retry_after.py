"""How long another side asks one to wait (RFC 9110, 10.2.3). For the pipeline too, which has no package but httpx."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MOST_S: Final = 3600.0  # more than that nobody means


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header, which has seconds or a date; None where it has neither."""
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
