"""Believable lives: who lives here, when they get up, and what happens to them on which day. All follows from the seed.

A window of a day has one of five courses; most people are awake in time, some early, some late, some out.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final

SITES: Final = ("jongno", "mapo", "nowon")
_SURNAMES: Final = "김이박최정강조윤장임한오서신권황안송류홍"
_GIVEN: Final = ("영자", "순자", "정숙", "영숙", "말순", "복순", "춘자", "옥순", "경자", "명자",
                 "영수", "영호", "정수", "상철", "종수", "광수", "병철", "재호", "성호", "기철")
MORNING, AFTERNOON = 0, 1
EMERGENCY_KINDS: Final = ("sos", "fire", "gas", "fall")


class Course(StrEnum):
    """What a person's window comes to."""

    AWAKE = "awake"
    OUT = "out"
    NOT_AWAKE = "not_awake"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Emergency:
    """day: of the run; minute: of that local day."""

    kind: str
    day: int
    minute: int


@dataclass(slots=True)
class Home:
    """One person and the device at home. wake_min: when the person usually gets up, in minutes of the local day."""

    subject: int
    site: str
    name: str
    telephone: str
    sender: str
    wake_min: int
    battery_pct: int
    mains_lost: bool
    courses: dict[tuple[int, int], Course] = field(default_factory=dict)
    emergencies: list[Emergency] = field(default_factory=list)
    excused: tuple[int, int] | None = None  # days of the run, both included
    excused_by_command: bool = False

    def is_excused(self, day: int) -> bool:
        return self.excused is not None and self.excused[0] <= day <= self.excused[1]


def people(count: int, days: int, dice: Random) -> list[Home]:
    """The people of a fleet, with all that will happen to them."""
    homes = [_home(number, dice) for number in range(1, count + 1)]
    for day in range(days):
        for half in (MORNING, AFTERNOON):
            _courses(homes, day, half, dice)
    _emergencies(homes, days, dice)
    _absences(homes, days, dice)
    return homes


def _home(number: int, dice: Random) -> Home:
    habit = dice.random()
    wake = (dice.gauss(290, 25) if habit < 0.15  # early risers, before the window opens
            else dice.gauss(555, 8) if habit > 0.92  # late sleepers, in the grace
            else dice.gauss(420, 40))
    weak = dice.random() < 0.03
    return Home(
        subject=1000 + number,
        site=SITES[number % len(SITES)],
        name=dice.choice(_SURNAMES) + dice.choice(_GIVEN),
        telephone=f"+8210{dice.randrange(10**8):08d}",
        sender=f"+8212{dice.randrange(10**8):08d}",
        wake_min=int(min(max(wake, 200), 565)),
        battery_pct=dice.randint(8, 18) if weak else dice.randint(55, 100),
        mains_lost=dice.random() < 0.01,
    )


def _share(count: int, share: float, least: int) -> int:
    return min(count, max(least, round(count * share)))


def _courses(homes: list[Home], day: int, half: int, dice: Random) -> None:
    """Some are silent, some do not wake up, some are out; the numbers do not depend on luck."""
    silent, asleep = _share(len(homes), 0.015, 1), _share(len(homes), 0.01, 1)
    chosen = dice.sample(homes, min(len(homes), silent + asleep))
    for position, home in enumerate(chosen):
        home.courses[day, half] = Course.SILENT if position < silent else Course.NOT_AWAKE
    for home in homes:
        if (day, half) not in home.courses:
            home.courses[day, half] = Course.OUT if dice.random() < 0.05 else Course.AWAKE


def _emergencies(homes: list[Home], days: int, dice: Random) -> None:
    """Every kind, each person at most one, at any hour."""
    count = min(len(homes), max(len(EMERGENCY_KINDS), len(homes) * days // 60))
    for position, home in enumerate(dice.sample(homes, count)):
        kind = EMERGENCY_KINDS[position % len(EMERGENCY_KINDS)]
        home.emergencies.append(Emergency(kind, dice.randrange(days), dice.randint(10, 1300)))


def _absences(homes: list[Home], days: int, dice: Random) -> None:
    """Hospital and travel: half are known to the registry, half are told by a caseworker."""
    for position, home in enumerate(dice.sample(homes, _share(len(homes), 0.02, 1))):
        first = dice.randrange(days)
        home.excused = (first, min(days - 1, first + dice.randint(0, 1)))
        home.excused_by_command = position % 2 == 1
