"""The simulator knows the windows that it provisions, and nothing of the judgement.

This module has the times of these windows. All homes are in Korea (UTC+9, no summer time).
"""

from datetime import UTC, date, datetime
from typing import Final

from models.times import DAY, EPOCH_ORDINAL

MORNING, AFTERNOON = 0, 1
SEOUL_S: Final = 9 * 3600
OPEN_MIN, CLOSE_MIN = (360, 780), (540, 900)  # morning, afternoon, in minutes of the local day
GRACE_MIN: Final = 30


class RunCalendar:
    """The local days of a run.

    days: the number of local days from `start` on.
    day0: the first day, in days since 2020-01-01.
    begin: the first second of the run, epoch seconds.
    end: the first second after the run, epoch seconds.
    """

    def __init__(self, start: date, days: int) -> None:
        self.days = days
        self.day0 = start.toordinal() - EPOCH_ORDINAL  # days since 2020-01-01
        self.begin = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) - SEOUL_S
        self.end = self.begin + days * DAY

    def at(self, day: int, minute: float) -> int:
        """The time of a minute of a day of the run, epoch seconds."""
        return self.begin + day * DAY + int(minute * 60)

    def day_of(self, at: int) -> int:
        """The day of the run; -1 is the day before the run."""
        return (at - self.begin) // DAY

    def minute_of(self, at: int) -> int:
        return (at - self.begin) % DAY // 60

    def window(self, day: int, half: int) -> int:
        """A window as on the wire: days since 2020-01-01 × 2 + half."""
        return (self.day0 + day) * 2 + half

    def day_of_window(self, window: int) -> int:
        """The day of the run that has a window."""
        return (window >> 1) - self.day0

    def deadline(self, window: int) -> int:
        """The deadline of any window (close + grace), epoch seconds."""
        return self.at(self.day_of_window(window), CLOSE_MIN[window & 1] + GRACE_MIN)

    def close(self, window: int) -> int:
        """The close of any window, epoch seconds."""
        return self.deadline(window) - GRACE_MIN * 60

    def latest_opened(self, at: int) -> int:
        """The last window that has opened at this moment or before."""
        day, minute = self.day_of(at), self.minute_of(at)
        if minute < OPEN_MIN[MORNING]:
            return self.window(day - 1, AFTERNOON)
        return self.window(day, AFTERNOON if minute >= OPEN_MIN[AFTERNOON] else MORNING)
