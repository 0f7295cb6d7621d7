"""Short plots in made-up days, which chance alone seldom makes.

Excuses are taken back, alerts reopened, people come from a gateway that is behind, a sensor stays stuck, an SMS comes
late.
"""

from collections.abc import Callable, Iterator

from naive.day import Day, at
from naive.devices import DAY, HOUR, MINUTE
from naive.records import Json, format_day, format_window
from naive.senders import Senders
from naive.windows import still_to_be_judged, times, windows_near

Ticks = Callable[[list[str]], Iterator[Json]]
ALL, ONE = ["seoul-1", "busan-1"], ["seoul-1"]


class Fragments:
    """ticks: a tick now of each of these gateways, where it ticks at all."""

    def __init__(self, day: Day, senders: Senders, ticks: Ticks) -> None:
        self.day, self.dice, self.senders, self.ticks = day, day.dice, senders, ticks

    def some(self) -> Iterator[Json]:
        here = [person for subject, person in self.day.replay.world.people.items() if subject in self.day.people]
        if here:
            plots = [self._taken_back, self._taken_back, self._reopened, self._from_behind, self._stuck, self._late]
            yield from self.dice.choice(plots)(self.dice.choice(here))

    def _command(self, subject: int, kind: str, **fields: str) -> Json:
        return {"topic": "commands", "value": {"id": f"f{len(self.day.story)}", "type": kind, "subject": subject,
                                               "by": "park", "at": at(self.day.now), **fields}}

    def _next_window(self, person: Json) -> int | None:
        """The watched window whose deadline is next."""
        near = [(mine["deadline"], window) for window in windows_near(person, self.day.now, self.day.now + DAY)
                if (mine := times(person, window)) and still_to_be_judged(person, window)
                and mine["deadline"] > self.day.now]
        return min(near)[1] if near else None

    def _taken_back(self, person: Json) -> Iterator[Json]:
        """Rule 7: silent or not awake, excused before or after the deadline, and taken back."""
        day, dice, subject = self.day, self.dice, person["subject"]
        window = self._next_window(person)
        if window is None:
            return
        mine = times(person, window)
        assert mine
        date = format_day(window // 2)
        dates = {"from": date, "to": date}
        if dice.random() < 0.4:
            day.now = max(day.now, mine["open"])
            yield self.senders.says(subject, window, awake=0.0)
        early = dice.random() < 0.3
        if early:
            day.now = max(day.now, mine["deadline"] - MINUTE)
        else:
            day.now = mine["deadline"] + dice.choice([0, 1, MINUTE])
            yield from self.ticks(ALL)
            if dice.random() < 0.2:
                for kind in ("no_report", "not_awake"):
                    yield self._command(subject, "resolve", alert=f"{subject}:{kind}:{format_window(window)}")
        by_registry = dice.random() < 0.3
        profile = day.profiles[subject]
        if by_registry:
            yield {"topic": "registry", "value": {**profile, "excused": [dates]}}
        else:
            yield self._command(subject, "excuse", **dates)
        if dice.random() < 0.3:
            yield self.senders.says(subject, window + 1, awake=1.0)
        if dice.random() < 0.2:
            yield {"topic": "registry", "value": {**profile, "excused": [dates] * by_registry, "retired": True}}
        day.now = max(day.now, dice.choice([day.now + MINUTE, day.now + 5 * HOUR, mine["deadline"] + DAY - 1,
                                            mine["deadline"] + DAY, mine["deadline"] + dice.choice([-30, 30])]))
        if dice.random() < 0.5:
            yield from self.ticks(ALL)
        if by_registry:
            yield {"topic": "registry", "value": profile}
        else:
            yield self._command(subject, "unexcuse", **dates)
        yield from self.ticks(ALL)

    def _reopened(self, person: Json) -> Iterator[Json]:
        """Rule 15: resolved, and reopened within a day or not, where another may have been opened."""
        alerts = [alert for alert in person["alerts"].values() if alert["active"]]
        if not alerts:
            return
        alert = self.dice.choice(alerts)
        yield self._command(person["subject"], "resolve", alert=alert["id"], outcome="fine")
        cleared = self.day.now
        self.day.now += self.dice.choice([0, MINUTE, 29 * MINUTE, 30 * MINUTE, 31 * MINUTE])
        if self.dice.random() < 0.5:
            yield self.senders.report()
        if self.dice.random() < 0.5:
            self.day.now = max(self.day.now, cleared + DAY + self.dice.choice([-1, 0, 1]))
        yield self._command(person["subject"], "reopen", alert=alert["id"])
        yield from self.ticks(ALL)

    def _from_behind(self, person: Json) -> Iterator[Json]:
        """Rule 18: some go to a gateway that does not tick, miss deadlines there, and come back."""
        day, subject = self.day, person["subject"]
        window = self._next_window(person)
        mine = window is not None and times(person, window)
        if not mine:
            return
        some = {subject, *self.dice.sample(day.people, min(3, len(day.people)))}
        for one in some:
            yield {"topic": "registry", "value": {**day.profiles[one], "gateway": "busan-1"}}
        day.now = mine["deadline"] + self.dice.choice([0, 1, 10 * MINUTE])
        yield from self.ticks(ONE)
        for one in some:
            yield {"topic": "registry", "value": {**day.profiles[one], "gateway": "seoul-1"}}
        day.now += self.dice.choice([1, MINUTE, 20 * MINUTE])
        yield from self.ticks(ONE)

    def _stuck(self, person: Json) -> Iterator[Json]:
        """Rule 13: two reports 20 hours apart that never change, and sometimes one between that does."""
        subject = person["subject"]
        yield self.senders.says(subject, None, stuck=1.0, wobble=0.0)
        self.day.now += 10 * HOUR
        yield from self.ticks(ALL)
        if self.dice.random() < 0.2:
            yield self.senders.says(subject, None, stuck=0.0, wobble=0.0)
        self.day.now += 10 * HOUR + self.dice.choice([-MINUTE, -1, 0, 1, MINUTE])
        yield self.senders.says(subject, None, stuck=1.0, wobble=0.0)

    def _late(self, person: Json) -> Iterator[Json]:
        """Rules 11 and 17: an SMS that comes about a day late, behind many newer ones or not."""
        subject = person["subject"]
        kept = self.senders.says(subject, None, wobble=0.0, busy=8.0)
        self.senders.skip(subject, self.dice.choice([0, 254, 255, 256]))
        yield self.senders.says(subject, None, wobble=0.0)
        self.day.now += DAY + self.dice.choice([-HOUR, -8, -7, -1, 0, 1, MINUTE])
        yield {"topic": "sms", "value": {**kept["value"], "received_at": at(self.day.now)}}
