"""All homes and their events follow from the seed; the numbers of events do not depend on chance.

This module makes the people, and what happens to them on each day. A window of a day has one of five courses. Most
people are awake in time, some early, some late, some out.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final

from simulator.calendar import AFTERNOON, MORNING

SITES: Final = ("jongno", "mapo", "nowon")
EMERGENCY_KINDS: Final = ("sos", "fire", "gas", "fall")
_SURNAMES: Final = "김이박최정강조윤장임한오서신권황안송류홍"
_GIVEN: Final = ("영자", "순자", "정숙", "영숙", "말순", "복순", "춘자", "옥순", "경자", "명자",
                 "영수", "영호", "정수", "상철", "종수", "광수", "병철", "재호", "성호", "기철")
_STREETS: Final = {"jongno": "서울 종로구 율곡로", "mapo": "서울 마포구 월드컵로", "nowon": "서울 노원구 동일로"}


class HomeCourse(StrEnum):
    """The course of a person's window, as the device in the home sees it; silent: the device sends nothing."""

    AWAKE = "awake"
    OUT = "out"
    NOT_AWAKE = "not_awake"
    SILENT = "silent"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True)
class PlannedEmergency:
    """An emergency that will happen.

    day: the day of the run.
    minute: the minute of that local day.
    certain: whether the network delivers its SMS at once.
    """

    kind: str
    day: int
    minute: int
    certain: bool


@dataclass(slots=True)
class Home:
    """One person and the device at home.

    wake_min: when the person usually gets up, in minutes of the local day.
    courses: by day of the run and half.
    still: days on which nothing stirs, after an evening that ended early.
    excused: first and last day of an absence, in days of the run, both included.
    excused_by_command: whether a caseworker enters the absence; else the registry has it.
    """

    subject: int
    site: str
    name: str
    telephone: str
    address: str
    sender: str
    wake_min: int
    battery_pct: int = 80
    mains_lost: bool = False
    signal_dbm: int = -85
    temp_c: int = 21
    courses: dict[tuple[int, int], HomeCourse] = field(default_factory=dict)
    emergencies: list[PlannedEmergency] = field(default_factory=list)
    still: set[int] = field(default_factory=set)
    excused: tuple[int, int] | None = None
    excused_by_command: bool = False

    def is_excused(self, day: int) -> bool:
        return self.excused is not None and self.excused[0] <= day <= self.excused[1]


def people(count: int, days: int, dice: Random) -> list[Home]:
    """The people of a fleet, with all that will happen to them."""
    homes = [_home(number, dice) for number in range(1, count + 1)]
    _devices(homes, dice)
    _absences(homes, days, dice)
    for day in range(days):
        _still(homes, day, dice)
        for half in (MORNING, AFTERNOON):
            _courses(homes, day, half, dice)
    _emergencies(homes, days, dice)
    return homes


def _home(number: int, dice: Random) -> Home:
    habit = dice.random()
    wake = (dice.gauss(290, 25) if habit < 0.15  # early risers, before the window opens
            else dice.gauss(555, 8) if habit > 0.92  # long sleepers, in the grace
            else dice.gauss(420, 40))
    site = SITES[number % len(SITES)]
    return Home(
        subject=1000 + number,
        site=site,
        name=dice.choice(_SURNAMES) + dice.choice(_GIVEN),
        telephone=f"+8210{dice.randrange(10**8):08d}",
        address=f"{_STREETS[site]} {dice.randint(1, 300)}, {dice.randint(1, 15)}층",
        sender=f"+8212{dice.randrange(10**8):08d}",
        wake_min=int(min(max(wake, 200), 565)),
    )


def _share(count: int, share: float, least: int) -> int:
    return min(count, max(least, round(count * share)))


def _devices(homes: list[Home], dice: Random) -> None:
    """Most devices are well; some run out of battery, lose mains, have a weak network, or stand in a cold room."""
    for home in homes:
        home.battery_pct = dice.randint(55, 100)
        home.signal_dbm = -dice.randint(68, 98)
        home.temp_c = dice.randint(18, 26)
    for home in dice.sample(homes, _share(len(homes), 0.02, 1)):
        home.battery_pct = dice.randint(6, 13)
    for home in dice.sample(homes, _share(len(homes), 0.01, 1)):
        home.mains_lost = True
    for home in dice.sample(homes, _share(len(homes), 0.01, 1)):
        home.signal_dbm = -dice.randint(107, 112)
    for home in dice.sample(homes, _share(len(homes), 0.005, 1)):
        home.temp_c = dice.randint(-2, 3)


def _absences(homes: list[Home], days: int, dice: Random) -> None:
    """Hospital and travel: the registry has half of the absences, and a caseworker enters the other half."""
    for position, home in enumerate(dice.sample(homes, _share(len(homes), 0.02, 1))):
        first = dice.randrange(days)
        home.excused = (first, min(days - 1, first + dice.randint(0, 1)))
        home.excused_by_command = position % 2 == 1


def _still(homes: list[Home], day: int, dice: Random) -> None:
    present = [home for home in homes if not home.is_excused(day)]
    for home in dice.sample(present, _share(len(present), 0.0025, 1)):
        home.still.add(day)
        home.courses[day, MORNING] = home.courses[day, AFTERNOON] = HomeCourse.NOT_AWAKE


def _courses(homes: list[Home], day: int, half: int, dice: Random) -> None:
    """Of the people who are expected, some are silent, some do not wake up, and some are out."""
    for home in homes:
        if home.is_excused(day):
            home.courses[day, half] = HomeCourse.EXCUSED
    free = [home for home in homes if (day, half) not in home.courses]
    silent, asleep = _share(len(free), 0.015, 1), _share(len(free), 0.01, 1)
    for position, home in enumerate(dice.sample(free, min(len(free), silent + asleep))):
        home.courses[day, half] = HomeCourse.SILENT if position < silent else HomeCourse.NOT_AWAKE
    for home in homes:
        if (day, half) not in home.courses:
            home.courses[day, half] = HomeCourse.OUT if dice.random() < 0.05 else HomeCourse.AWAKE


def _emergencies(homes: list[Home], days: int, dice: Random) -> None:
    """Emergencies of every kind at any hour, at most one for each person. The network does not lose the first of each
    kind."""
    count = min(len(homes), max(len(EMERGENCY_KINDS), len(homes) * days // 60))
    for position, home in enumerate(dice.sample(homes, count)):
        kind = EMERGENCY_KINDS[position % len(EMERGENCY_KINDS)]
        certain = position < len(EMERGENCY_KINDS)
        home.emergencies.append(PlannedEmergency(kind, dice.randrange(days), dice.randint(10, 1300), certain))
