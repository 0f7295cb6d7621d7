"""A person's life through the days decides when something stirs in the home, and when the device reports."""

from bisect import bisect_right
from random import Random
from typing import Final, NamedTuple

from models.times import DAY
from simulator.calendar import AFTERNOON, CLOSE_MIN, MORNING, RunCalendar
from simulator.firmware import Firmware
from simulator.homes import Home, HomeCourse
from simulator.luck import luck

_EVENING_MIN: Final = 1020
_SAYS: Final = {HomeCourse.AWAKE: "awake", HomeCourse.OUT: "out", HomeCourse.NOT_AWAKE: "not_awake"}


class PlannedReport(NamedTuple):
    """A report that the device will send.

    window: the window that the report names; None: none.
    says: awake, out, not_awake; None: an emergency.
    certain: whether the network delivers it at once.
    """

    at: int
    window: int | None
    says: str | None
    alarm: str | None = None
    certain: bool = False


class Life:
    """The life of one person. Activity is a list of spans of epoch seconds, in order.

    reports: all reports, in order of time.
    """

    def __init__(self, home: Home, calendar: RunCalendar, dice: Random, firmware: Firmware, *,
                 storm: bool) -> None:
        self._home, self._calendar, self._dice, self._storm = home, calendar, dice, storm
        self._asleep_min = firmware.asleep_min
        self._spans: list[tuple[int, int]] = []
        reports: list[PlannedReport] = []
        self._active(-1, 480, self._bed(0))  # the day before the run was a usual one
        for day in range(calendar.days):
            reports += self._emergencies(day)
            reports += self._away(day) if home.is_excused(day) else self._at_home(day)
        self.reports = sorted(reports, key=lambda report: report.at)

    def idle_min(self, at: int) -> int:
        """Minutes since the last activity."""
        position = bisect_right(self._spans, (at, 1 << 62)) - 1
        return max(0, at - self._spans[position][1]) // 60

    def first_activity_min(self, at: int) -> int | None:
        """The minute of this local day at which something first stirred; None: nothing has stirred until `at`."""
        midnight = self._calendar.at(self._calendar.day_of(at), 0)
        starts = [start for start, _ in self._spans if midnight <= start <= at]
        return self._calendar.minute_of(starts[0]) if starts else None

    def activity(self, at: int) -> tuple[int, ...]:
        """The activity in each of the last 24 hours, 0 to 15, oldest first."""
        hours = []
        first_span = max(0, bisect_right(self._spans, (at - DAY, 0)) - 1)
        spans = self._spans[first_span:]
        for back in range(24, 0, -1):
            first = at - back * 3600
            seconds = sum(max(0, min(end, first + 3600) - max(start, first)) for start, end in spans)
            liveliness = 4 + (self._home.subject * 7 + first // 3600 * 5) % 11
            hours.append(min(15, seconds * liveliness // 3600))
        return tuple(hours)

    def _active(self, day: int, first: float, last: float) -> None:
        if first < last:
            self._spans.append((self._calendar.at(day, first), self._calendar.at(day, last)))

    def _bed(self, next_day: int) -> float:
        """The end of the evening before a day, in minutes; the evening before a still day ends early."""
        return self._dice.uniform(1050, 1230) if next_day in self._home.still else self._dice.uniform(1295, 1390)

    def _emergencies(self, day: int) -> list[PlannedReport]:
        return [PlannedReport(self._calendar.at(day, one.minute), None, None, one.kind, one.certain)
                for one in self._home.emergencies if one.day == day]

    def _away(self, day: int) -> list[PlannedReport]:
        """The person is away: the device reports not_awake, or sends nothing."""
        return [self._report(day, half, self._asleep(half, self._dice.random()), HomeCourse.NOT_AWAKE)
                for half in (MORNING, AFTERNOON) if self._dice.random() < 0.5]

    def _at_home(self, day: int) -> list[PlannedReport]:
        dice, home = self._dice, self._home
        reports: list[PlannedReport] = []
        starts: list[float] = []
        noon = dice.uniform(690, 750)
        for half in (MORNING, AFTERNOON):
            course = home.courses[day, half]
            usual = home.wake_min + dice.gauss(0, 10) if half == MORNING else dice.uniform(785, 890)
            minute = min(420 + 360 * half + dice.uniform(0, 2) if self._storm else usual, CLOSE_MIN[half] + 26)
            start = minute - 3 if half == MORNING else noon
            if course is HomeCourse.NOT_AWAKE:
                asleep, up = self._asleep(half, dice.random()), CLOSE_MIN[half] + dice.uniform(45, 120)
                reports.append(self._report(day, half, asleep, course))
                start = _EVENING_MIN
                if day not in home.still and dice.random() < 0.6:
                    reports.append(self._report(day, half, up, HomeCourse.AWAKE))
                    start = up - 3
            elif course is not HomeCourse.SILENT:
                asleep = self._asleep(half, luck("asleep", home.subject, day, half)[0])
                if asleep < minute:  # the device does not know that the person will get up
                    reports.append(self._report(day, half, asleep, HomeCourse.NOT_AWAKE))
                reports.append(self._report(day, half, minute, course))
                if not starts or starts[0] == _EVENING_MIN:  # asleep in the morning, up in the afternoon
                    start = minute - 3
            starts.append(start)
        if day not in home.still:
            self._active(day, starts[MORNING], noon)
            self._active(day, max(starts[AFTERNOON], noon), _EVENING_MIN)
            self._active(day, _EVENING_MIN, self._bed(day + 1))
            if dice.random() < 0.2:
                reports.append(PlannedReport(self._calendar.at(day, dice.uniform(_EVENING_MIN, 1290)), None, "awake"))
        return reports

    def _asleep(self, half: int, chance: float) -> float:
        """When the device says that the person is not up, in minutes of the day."""
        first, last = self._asleep_min
        return CLOSE_MIN[half] + first + (last - first) * chance

    def _report(self, day: int, half: int, minute: float, course: HomeCourse) -> PlannedReport:
        return PlannedReport(self._calendar.at(day, minute), self._calendar.window(day, half), _SAYS[course])
