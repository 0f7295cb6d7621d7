"""The state of a made-up day: its people, what was sent, and what is due next by the rules.

The oracle runs along, so that the next moment can be chosen just before, at, or just after what is due (openings,
questions, deadlines, escalations, reminders, outages), and commands speak of alerts that are there.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

from naive import devices
from naive.asking import moments_of
from naive.devices import DAY, HOUR, KEKS, MINUTE
from naive.oracle import Replay
from naive.records import Json
from naive.windows import instant, local_day, times, windows_near

GATEWAYS = ["seoul-1", "busan-1", "silent-1"]  # the last one never ticks
OWN_HOURS = ["08:00", "09:00", "08:05", "08:10", "08:30", "08:50", "08:59", "09:10", "09:30"]


def at(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Day:
    """What is as the seed wants it.

    crowd: a crowd where the gateway's rules are at stake.
    own_hours: closes of the morning, of which each of the crowd has one; empty: all have the same hours.
    asking: a morning of questions.
    """

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.replay = Replay(KEKS)
        self.zone, first_day = self.dice.choice(devices.ZONES)
        self.now = int(datetime.fromisoformat(first_day + "T00:00:00+00:00").timestamp()) + self.dice.randrange(DAY)
        size = self.dice.random()
        self.asking = self.dice.random() < 0.25
        self.crowd = size < (0.7 if self.asking else 0.3)
        self.own_hours = self.dice.choice([[], [], OWN_HOURS, OWN_HOURS[:2]]) if self.crowd else []
        self.people = list(range(1, self.dice.randint(36, 45) if size < 0.02 else
                                 self.dice.randint(11, 24 if self.asking else 16) if self.crowd else
                                 self.dice.randint(2, 4)))
        self.silent = {subject for subject in self.people if self.dice.random() < 0.1}  # never heard
        self.asks = self.dice.choice([[], [], [0, 15, 26], [0], [5, 10, 15, 20, 25, 29, 30], [10, 40, 90]])
        self.quiet = self.dice.choice(["none", "true", "true", "odd"])  # what ticks say of `quiet_since`
        self.clock = self.dice.random() < 0.8  # else no clock ticks, and a silent gateway never comes to judge
        self.steady = self.dice.choice([0.0, 0.9, 1.0])  # how often all gateways tick together, and before the clock
        self.busy = self.dice.choice([0.0, 0.3, 1.0, 3.0])
        self.changes = self.dice.choice([0.0, 0.02, 0.1])
        self.pace = self.dice.choice([HOUR, 4 * HOUR, 10 * HOUR, 40 * HOUR])
        self.plots = self.dice.choice([0.0, 0.0, 0.1, 0.2])  # how much of what happens is fragments
        self.desk = self.dice.choice([0.1, 0.1, 0.25])  # how much of what happens is commands
        self.moods = devices.moods(self.dice)
        if self.asks and self.dice.random() < 0.7:
            self.pace = HOUR
        self.story: list[Json] = []
        self.profiles: dict[int, Json] = {}
        self.accepted: dict[str, int] = {}  # by gateway: its latest SMS
        if self.asking:
            self._ask_all()

    def _ask_all(self) -> None:
        """A morning of people who can be asked, at a gateway that ticks."""
        zone = ZoneInfo(self.zone)
        self.now = instant(local_day(self.now, zone), 5 * 60, zone) + self.dice.randrange(HOUR)
        self.asks = self.dice.choice([[0, 15, 26], [0, 15, 26], [1, 2, 3, 4, 5, 6, 29], [0, 10]])
        self.steady, self.pace, self.silent = 1.0, HOUR, set()
        self.busy, self.changes = self.dice.choice([0.0, 0.3]), self.dice.choice([0.0, 0.03])
        self.moods = replace(self.moods, awake=self.dice.choice([0.05, 0.5]), wobble=self.dice.choice([0.0, 0.05]),
                             listens=0.98, answers=self.dice.choice([0.0, 0.5, 0.9]), spoilt=0.0, fallen=0.0)

    def add(self, line: Json) -> None:
        self.story.append(line)
        self.replay.add(line)

    def somebody(self) -> int:
        return self.dice.choice(self.people)

    def moments(self) -> Iterator[int]:
        """What is due at some time, by the rules."""
        world = self.replay.world
        for person in world.people.values():
            for window in windows_near(person, self.now, self.now):
                mine = times(person, window)
                if mine is None:
                    continue
                yield from (mine["open"], mine["deadline"], mine["deadline"] + MINUTE, mine["deadline"] + DAY)
                yield from (moment + after for moment in moments_of(person, mine) for after in (0, 0, 3 * MINUTE))
            for alert in person["alerts"].values():
                yield from self._of(person, alert)
        for incident in world.incidents:
            yield incident["opened_at"] + HOUR
        for tick in world.gateway_ticks.values():
            yield from (tick + 3 * MINUTE, tick + 3 * MINUTE + 1)

    def _of(self, person: Json, alert: Json) -> Iterator[int]:
        remind = person["profile"]["remind"]
        yield from (alert["start"] + 10 * MINUTE, alert["start"] + 30 * MINUTE, alert["start"] + HOUR)
        for name, after in (("cleared_at", 30 * MINUTE), ("cleared_at", DAY), ("acknowledged_at", 5 * MINUTE)):
            if alert[name]:
                yield alert[name] + after
        if alert["active"] and alert["severity"] == "critical":
            latest = max(moment for moments in alert["at"].values() for moment in moments)
            yield from (latest + minutes * MINUTE for minutes in remind.values())

    def move(self) -> None:
        """Time goes on to just before, at, or after what is due, or by some minutes."""
        soon = sorted({moment for moment in self.moments() if self.now < moment <= self.now + self.pace})
        if soon and self.dice.random() < 0.6:
            due = self.dice.choice(soon[:6] if self.dice.random() < 0.8 else soon)
            self.now = max(self.now, due + self.dice.choice([-1, 0, 0, 0, 1, 5, MINUTE]))
        else:
            self.now += self.dice.choice([0, 0, 1, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR,
                                          self.dice.randrange(self.pace)])
