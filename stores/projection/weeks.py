"""The weeks into which the history puts reports: ISO 8601."""

from datetime import date


def week_of(day: date) -> str:
    """The ISO week of a date: 2026-W48."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"
