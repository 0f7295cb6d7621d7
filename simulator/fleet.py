"""A fleet of homes with ground truth: what each device sends, what the network makes of it, and what is true.

The same arguments give the same octets. The homes are in Korea (UTC+9, no summer time), which is all the calendar that
the simulator needs: it does not know the judgement.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Final

from models.keys import wrap
from models.times import format_date, format_time
from simulator.device import EPOCH, SLOT, Device
from simulator.homes import AFTERNOON, MORNING, Course, Home, people
from simulator.network import Delivery, Network, Sent
from simulator.truth import Truth, truth_of

SCENARIOS: Final = ("usual", "outage", "storm")
GATEWAY: Final = "seoul-1"
SEOUL_S: Final = 9 * 3600
OPEN_MIN, CLOSE_MIN = (360, 780), (540, 900)  # morning, afternoon, in minutes of the local day
GRACE_MIN: Final = 30
SEND_SLOT: Final = 7  # of `anbu send`: a device that nobody has at home
_FLAGS: Final = {Course.AWAKE: 1, Course.OUT: 2, Course.NOT_AWAKE: 0}
_EPOCH_DATE: Final = date(2020, 1, 1).toordinal()


class Fleet:
    """So many homes over so many local days from `start`.

    scenario: usual, outage (the network holds all SMS of the first morning back), storm (all report in two minutes).
    """

    def __init__(self, subjects: int = 400, days: int = 1, start: date = date(2026, 11, 24), seed: int = 1,
                 scenario: str = "usual") -> None:
        self._name = f"{seed}/{scenario}/{subjects}/{days}/{start}"
        self._dice = Random(self._name)
        self.days, self.scenario = days, scenario
        self._day0 = start.toordinal() - _EPOCH_DATE
        self.begin = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) - SEOUL_S
        self.end = self.begin + days * 86_400
        self._kek = self._dice.randbytes(32)
        self.homes = people(subjects, days, self._dice)
        self._keys = {home.subject: self._dice.randbytes(16) for home in self.homes}
        self.network = Network(self._dice, self.end)
        self._deliveries: list[Delivery] | None = None

    def keks(self) -> dict[str, str]:
        """The key-encryption keys as ANBU_KEK_FILE has them."""
        return {"k1": b64encode(self._kek).decode()}

    def people(self) -> list[dict[str, Any]]:
        """Names and telephone numbers, for the page."""
        return [{"subject": home.subject, "name": home.name, "telephone": home.telephone} for home in self.homes]

    def registry(self) -> list[dict[str, Any]]:
        """The operational profiles."""
        return [self._profile(home) for home in self.homes]

    def commands(self) -> list[dict[str, Any]]:
        """Excuses that a caseworker enters the evening before, or at the very beginning; in order of time."""
        commands = []
        for number, home in enumerate(self.homes):
            if home.excused is not None and home.excused_by_command:
                first, last = home.excused
                at = max(self.begin + 60, self.begin + first * 86_400 - 6 * 3600)
                commands.append({"id": f"excuse-{number}", "type": "excuse", "subject": home.subject, "by": "kim",
                                 "at": format_time(at), "text": "병원", "from": format_date(self._day0 + first),
                                 "to": format_date(self._day0 + last)})
        return sorted(commands, key=lambda command: command["at"])

    def deliveries(self) -> list[Delivery]:
        """All that reaches the gateway, in order of time."""
        if self._deliveries is None:
            arrived = [self._held_back(one) for sms in self._sent() for one in self.network.carry(sms)]
            self._deliveries = sorted(arrived, key=lambda delivery: (delivery.at, delivery.id))
        return self._deliveries

    def truth(self) -> Truth:
        """What had to be told, and about whom nothing."""
        windows = {}
        for home in self.homes:
            for day in range(self.days):
                for half in (MORNING, AFTERNOON):
                    deadline = self._deadline(day, half)
                    if not home.is_excused(day) and deadline < self.end:
                        windows[home.subject, self._window(day, half)] = deadline
        emergencies = frozenset((home.subject, one.kind) for home in self.homes for one in home.emergencies)
        return truth_of(self.deliveries(), windows, emergencies)

    # Calendar

    def _at(self, day: int, minute: float) -> int:
        return self.begin + day * 86_400 + int(minute * 60)

    def _window(self, day: int, half: int) -> int:
        return (self._day0 + day) * 2 + half

    def _deadline(self, day: int, half: int) -> int:
        return self._at(day, CLOSE_MIN[half] + GRACE_MIN)

    # Homes

    def _profile(self, home: Home) -> dict[str, Any]:
        dice = Random(f"{self._name}/{home.subject}")
        keys = {SLOT: self._keys[home.subject], SEND_SLOT: dice.randbytes(16)}
        wrapped = {slot: wrap(self._kek, dice.randbytes(12), key, home.subject, slot, EPOCH)
                   for slot, key in keys.items()}
        devices = [{"slot": slot, "epoch": EPOCH, "kek": "k1", "key": b64encode(key).decode()}
                   for slot, key in wrapped.items()]
        excused = []
        if home.excused is not None and not home.excused_by_command:
            first, last = (format_date(self._day0 + day) for day in home.excused)
            excused = [{"from": first, "to": last, "reason": "travel"}]
        return {
            "subject": home.subject, "site": home.site, "gateway": GATEWAY, "tz": "Asia/Seoul",
            "since": format_time(self.begin - 86_400),
            "devices": devices,
            "excused": excused, "escalation": [{"after_min": 10, "to": "backup"}, {"after_min": 30, "to": "lead"}],
        }

    def _sent(self) -> Iterator[Sent]:
        for home in self.homes:
            device = Device(home.subject, self._keys[home.subject], home.battery_pct, home.mains_lost)
            # The day before the run was a usual one.
            device.active_at = self.begin - 2 * 3600
            for half in (MORNING, AFTERNOON):
                device.remember(self._window(-1, half), "awake")
            plans = [plan for day in range(self.days) for plan in self._day(home, day)]
            for at, window, course, alarm in sorted(plans, key=lambda plan: plan[0]):
                yield self._send(home, device, at, window, course, alarm)

    def _day(self, home: Home, day: int) -> Iterator[tuple[int, int | None, Course | None, str | None]]:
        """(at, window, course, emergency) of what a home sends on a day."""
        dice = self._dice
        for half in (MORNING, AFTERNOON):
            course = home.courses[day, half]
            if home.is_excused(day):
                course = Course.SILENT if dice.random() < 0.5 else Course.NOT_AWAKE
            if course is Course.SILENT:
                continue
            window = self._window(day, half)
            if course is Course.NOT_AWAKE:
                yield self._at(day, CLOSE_MIN[half] + dice.uniform(1, 15)), window, course, None
                if not home.is_excused(day) and dice.random() < 0.6:
                    yield self._at(day, CLOSE_MIN[half] + dice.uniform(45, 120)), window, Course.AWAKE, None
                continue
            usual = home.wake_min + dice.gauss(0, 10) if half == MORNING else dice.uniform(785, 890)
            minute = 420 + 360 * half + dice.uniform(0, 2) if self.scenario == "storm" else usual
            yield self._at(day, min(minute, CLOSE_MIN[half] + 26)), window, course, None
        if dice.random() < 0.1:
            yield self._at(day, dice.uniform(960, 1290)), None, Course.AWAKE, None
        for emergency in home.emergencies:
            if emergency.day == day:
                yield self._at(day, emergency.minute), None, None, emergency.kind

    def _send(self, home: Home, device: Device, at: int, window: int | None, course: Course | None,
              alarm: str | None) -> Sent:
        if window is not None and course is not None:
            device.remember(window, course)
        newest = window if window is not None else self._latest_opened(at)
        memory = tuple((w, code) for w, code in device.remembered.items() if newest - 16 <= w < newest)
        first = (at + SEOUL_S) % 86_400 // 60 if course is Course.AWAKE else None
        text = device.report(at, window=window, newest=newest, flags=_FLAGS[course] if course is not None else 0,
                             alarm=alarm, first_activity_min=first)
        deadline = None if window is None else self._deadline((window >> 1) - self._day0, window & 1)
        says = None if course is None or (window is None and course is Course.NOT_AWAKE) else course.value
        return Sent(at, home.subject, home.sender, text, window, deadline, says, device.alarm, alarm is not None,
                    memory)

    def _latest_opened(self, at: int) -> int:
        day, second = divmod(at - self.begin, 86_400)
        if second < OPEN_MIN[MORNING] * 60:
            return self._window(day - 1, AFTERNOON)
        return self._window(day, AFTERNOON if second >= OPEN_MIN[AFTERNOON] * 60 else MORNING)

    def _held_back(self, delivery: Delivery) -> Delivery:
        """Scenario outage: what would arrive from 06:30 to 10:00 of the first day arrives at 10:05."""
        held = self._at(0, 390) <= delivery.at < self._at(0, 600)
        return delivery._replace(at=self._at(0, 605)) if self.scenario == "outage" and held else delivery
