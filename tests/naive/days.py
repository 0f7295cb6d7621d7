"""Made-up, nasty days as input of `anbu replay`, the same for the same seed."""

from collections.abc import Iterator

from naive import devices
from naive.changes import Changes
from naive.day import GATEWAYS, Day, at
from naive.devices import DAY, HOUR, MINUTE
from naive.fragments import Fragments
from naive.records import Json
from naive.senders import Senders


def made_up(seed: int, events: int = 60) -> list[Json]:
    """The lines of some days of a few people, or of a crowd where the gateway's rules are at stake."""
    return _Days(seed).lines(events)


class _Days:
    def __init__(self, seed: int) -> None:
        self.day = Day(seed)
        self.dice = self.day.dice
        self.senders = Senders(self.day)
        self.changes = Changes(self.day)
        self.fragments = Fragments(self.day, self.senders, self._ticks_now)

    def lines(self, events: int) -> list[Json]:
        day = self.day
        for subject in day.people:
            value = self._profile(subject)
            day.profiles[subject] = value
            day.add({"topic": "registry", "value": value})
        for line in self._prelude():
            day.add(line)
        begun = len(day.story) + (events // 2 if day.crowd else 0)
        while len(day.story) < events + begun:
            for line in self._event():
                day.add(line)
        if not day.crowd and self.dice.random() < 0.03:  # rule 22: the farthest tick that counts
            day.add(self._tick("seoul-1", (day.replay.world.highest or day.now) + 366 * DAY))
        return day.story

    def _prelude(self) -> Iterator[Json]:
        """Mostly all gateways tick, and the devices of most people have been heard, before the first window."""
        if self.dice.random() < 0.2:
            return
        for gateway in GATEWAYS[:2]:
            yield self._tick(gateway, self.day.now)
        for subject in self.day.people:
            if subject not in self.day.silent and self.dice.random() < (1 if self.day.asking else 0.7):
                yield self.senders.says(subject, None, wobble=0.0)

    def _profile(self, subject: int) -> Json:
        day, dice = self.day, self.dice
        gateway = dice.choice(["seoul-1"] * 12 + GATEWAYS if day.crowd else [*GATEWAYS[:2], *GATEWAYS])
        gateway = "seoul-1" if day.asking and gateway == "silent-1" else gateway
        value = devices.profile(dice, subject, day.zone, gateway, "2026-01-01T00:00:00Z")
        if day.crowd:
            value |= {"windows": devices.SCHEDULES[0], "grace_min": 30}
        if day.own_hours:
            opens = dice.choice(["06:00", "06:00", "07:00"])
            value["windows"] = {"morning": {"open": opens, "close": dice.choice(day.own_hours)}}
        if day.asks and dice.random() < 0.9:
            value["ask_min"] = day.asks
            if dice.random() < 0.8:
                value["grace_min"] = 30
        return value

    def _event(self) -> Iterator[Json]:
        day = self.day
        if self.dice.random() < 0.7:
            day.move()
        kind = self.dice.random()
        if self.dice.random() < day.plots:
            yield from self.fragments.some()
        elif kind < day.changes:
            yield from self.changes.registry()
        elif kind < 0.45:
            yield from self._ticks()
        elif kind < 0.95 - day.desk and not (day.crowd and self.dice.random() < 0.3):
            yield self.senders.report()
        elif kind < 0.95:
            yield self.changes.command()
        elif kind < 0.97:
            yield self.changes.nonsense()

    def _ticks_now(self, gateways: list[str]) -> Iterator[Json]:
        for gateway in gateways:
            yield self._tick(gateway, self.day.now)

    def _ticks(self) -> Iterator[Json]:
        moment = self.day.now
        if self.dice.random() < 0.1:  # repeated, or from the past
            moment -= self.dice.choice([0, 1, MINUTE, 2 * MINUTE, HOUR])
        both = self.dice.random() < self.day.steady
        for gateway in GATEWAYS[:2] if both else self.dice.sample(GATEWAYS[:2], self.dice.choice([1, 1, 2])):
            if both or self.dice.random() < 0.8:
                yield self._tick(gateway, moment)
        if self.day.clock and self.dice.random() < (0.35 if both else 0.35 * (1 - self.day.steady)):
            moment = self.day.now + self.dice.choice([0, 0, 30, 61])
            yield {"topic": "sms", "value": {"type": "tick", "source": "clock", "at": at(moment)}}

    def _tick(self, gateway: str, moment: int) -> Json:
        """Rule 18: `quiet_since` is true, missing, or that of another instance: going back, or in the future."""
        value: Json = {"type": "tick", "source": "gateway", "gateway": gateway, "at": at(moment)}
        if self.day.quiet == "true":
            value["quiet_since"] = at(self.day.accepted.get(gateway, moment - 2 * DAY))
        if self.day.quiet == "odd" and self.dice.random() < 0.7:
            value["quiet_since"] = at(moment + self.dice.choice([-2 * DAY, -DAY, -12 * HOUR, -4 * HOUR, -3 * HOUR, 0,
                                                                 MINUTE]))
        return {"topic": "sms", "value": value}
