"""Only what has arrived can be known. The simulator alone derives from the arrivals what could be known, and from when.

A silent person is known at the deadline. So is a person who is not awake: before the deadline many people get up. An
emergency whose SMS was lost is known by the next report that arrives within a day, since the device remembers the
emergency.
"""

from collections.abc import Iterable
from typing import Final

from models.times import DAY
from models.window import Window
from simulator.calendar import AFTERNOON, MORNING, RunCalendar
from simulator.homes import Home
from simulator.network import Sent, SmsDelivery
from simulator.truth import Emergency, ExpectedAlert, Fine, SmsTruth, Truth, WindowTruth

# The fleet is provisioned with the limits of the contract.
IDLE_S: Final = 12 * 3600
BATTERY_PCT, SIGNAL_DBM, COLD_C = 15, -105, 5
OUTAGE_PEOPLE: Final = 100  # with fewer, a partition may see too few people to detect an outage
_UP, _ASLEEP = "up", "asleep"
_SAYS: Final = {"awake": _UP, "out": _UP, "not_awake": _ASLEEP}
_CODES: Final = {1: _UP, 2: _ASLEEP, 3: _UP}


class _Person:
    """What has arrived about one person so far.

    seen: counters of the reports that have arrived.
    windows: by window, the better of its reported results.
    told: kinds that have had an alert due.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.seen: set[int] = set()
        self.windows: dict[int, str] = {}
        self.told: set[str] = set()
        self.device_time = self.active_at = 0
        self.inactive = False
        self.weak_counter: int | None = None

    def up_later(self, window: int) -> bool:
        return any(later > window and said == _UP for later, said in self.windows.items())

    def learn(self, window: int, said: str) -> None:
        if said == _UP or window not in self.windows:
            self.windows[window] = said


class Knowable:
    """Follows the deliveries once, in order of time, and notes which alerts are due."""

    def __init__(self, homes: list[Home], calendar: RunCalendar) -> None:
        self._calendar = calendar
        self._people = {home.subject: _Person(home) for home in homes}
        self._dues: list[ExpectedAlert] = []
        self._fine: dict[tuple[int, int], Fine] = {}
        self._judged = {(home.subject, calendar.window(day, half)) for home in homes for day in range(calendar.days)
                        for half in (MORNING, AFTERNOON) if not home.is_excused(day)}

    def follow(self, deliveries: Iterable[SmsDelivery]) -> None:
        deadlines = sorted((self._calendar.deadline(window), subject, window) for subject, window in self._judged)
        deadlines.reverse()
        for delivery in deliveries:
            while deadlines and deadlines[-1][0] < delivery.at:
                self._deadline(*deadlines.pop())
            if delivery.sent is not None:
                self._report(delivery.at, delivery.sent)
        while deadlines:
            self._deadline(*deadlines.pop())

    def outage(self, gateway: str) -> None:
        """Note that all SMS of the first morning were held back."""
        if len(self._people) >= OUTAGE_PEOPLE:
            deadline = self._calendar.deadline(self._calendar.window(0, MORNING))
            self._dues.append(ExpectedAlert(gateway, "gateway_outage", None, deadline))

    def truth(self, sms: tuple[SmsTruth, ...]) -> Truth:
        calendar, homes = self._calendar, [person.home for person in self._people.values()]
        emergencies = tuple(Emergency(home.subject, one.kind, calendar.at(one.day, one.minute))
                            for home in homes for one in home.emergencies)
        windows = tuple(WindowTruth(home.subject, str(Window(calendar.window(day, half))), course.value,
                                    calendar.deadline(calendar.window(day, half)))
                        for home in homes for (day, half), course in sorted(home.courses.items()))
        return Truth(tuple(self._dues), tuple(self._fine.values()), emergencies, windows, sms)

    def _deadline(self, deadline: int, subject: int, window: int) -> None:
        person = self._people[subject]
        said = person.windows.get(window)
        if said != _UP and not person.up_later(window):
            kind = "no_report" if said is None else "not_awake"
            self._dues.append(ExpectedAlert(subject, kind, str(Window(window)), deadline))

    def _report(self, at: int, sms: Sent) -> None:
        person = self._people[sms.subject]
        if sms.counter in person.seen:
            return
        person.seen.add(sms.counter)
        if sms.window is not None and sms.says is not None:
            self._window(person, at, sms.window, _SAYS[sms.says])
        for window, code in sms.memory:
            person.learn(window, _CODES[code])
        if sms.alarm is not None:
            kind, moment = sms.alarm
            if kind not in person.told and (sms.flagged or at - moment < DAY):
                person.told.add(kind)
                self._due(person, kind, at)
        self._inactivity(person, at, sms)
        self._device(person, at, sms)

    def _window(self, person: _Person, at: int, window: int, said: str) -> None:
        place = (person.home.subject, window)
        if place in self._judged:
            if said == _UP and at < self._calendar.deadline(window) and place not in self._fine:
                self._fine[place] = Fine(place[0], str(Window(window)), at)
            elif (said == _ASLEEP and at > self._calendar.deadline(window) and window not in person.windows
                  and not person.up_later(window)):
                self._dues.append(ExpectedAlert(place[0], "not_awake", str(Window(window)), at))
        person.learn(window, said)

    def _inactivity(self, person: _Person, at: int, sms: Sent) -> None:
        """Twelve hours without activity, by the newest reports of the devices."""
        active_at = sms.at if sms.says in ("awake", "out") else sms.at - sms.idle_min * 60
        person.device_time = max(person.device_time, sms.at)
        person.active_at = max(person.active_at, active_at)
        inactive = person.device_time - person.active_at >= IDLE_S
        if inactive and not person.inactive:
            if person.home.is_excused(self._calendar.day_of(at)):
                return
            self._due(person, "inactivity", at)
        person.inactive = inactive

    def _device(self, person: _Person, at: int, sms: Sent) -> None:
        """Devices do not change, so the first report shows their state. A weak signal shows in the second report, by
        counter."""
        home = person.home
        if home.signal_dbm < SIGNAL_DBM and (person.weak_counter is None or sms.counter > person.weak_counter):
            weak = person.weak_counter is not None
            person.weak_counter = sms.counter
        else:
            weak = False
        for kind, wrong in (("low_battery", home.battery_pct < BATTERY_PCT), ("mains_lost", home.mains_lost),
                            ("temperature", home.temp_c < COLD_C), ("weak_signal", weak)):
            if wrong and kind not in person.told:
                person.told.add(kind)
                self._due(person, kind, at)

    def _due(self, person: _Person, kind: str, at: int) -> None:
        self._dues.append(ExpectedAlert(person.home.subject, kind, None, at))
