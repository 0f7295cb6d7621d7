"""The worth of a rule's alarms: the people that it misses, the longest wait, and the share of alarms that is wrong.

An alarm is about a window: `no_report` or `not_awake`. It is true where the device was silent or the person not awake.
It is false where the person was awake or out. The naive rule alarms at the close about each person without a report of
awake or out. It knows the excuses, and it never waits. All other rules are compared with it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from models.json_object import JsonView
from models.times import parse_time
from models.window import Window
from simulator.calendar import RunCalendar
from simulator.fleet import Fleet
from simulator.homes import EMERGENCY_KINDS, HomeCourse
from simulator.score import SOON_S, score
from simulator.world import Lived

_UP: Final = ("awake", "out")
_KINDS: Final = ("no_report", "not_awake")
_TRUE: Final = (HomeCourse.SILENT, HomeCourse.NOT_AWAKE)
_RINGS: Final = ("opened", "released", "reopened")
_TELLS: Final = (*_RINGS, "held")  # an incident that holds an alarm is told in its place
MONTH_DAYS: Final = 30

Place = tuple[int, int]  # subject, window as on the wire


class Alarm(NamedTuple):
    """An alarm about a person's window. Times are epoch seconds.

    known_at: when a caseworker could first know of it, by itself or by an incident.
    rang_at: when it first rang by itself; None: an incident held it until it was cleared.
    """

    known_at: int
    rang_at: int | None


class Worth(NamedTuple):
    """The figures of one rule, which add up over runs.

    person_days: people × days.
    true: alarms that were true.
    false: alarms about people who were awake or out; false_up: of these, about people who were up when it rang.
    missed: silent or not awake people without an alarm until 10 minutes after the deadline.
    missed_emergencies: emergencies that could be known, without an alert within 10 minutes.
    longest_wait_s: the longest time from the close to a true alarm, seconds.
    questions: questions to devices; sms: SMS from devices, repetitions included.
    """

    person_days: int
    true: int = 0
    false: int = 0
    false_up: int = 0
    missed: int = 0
    missed_emergencies: int = 0
    longest_wait_s: int = 0
    questions: int = 0
    sms: int = 0

    def plus(self, other: "Worth") -> "Worth":
        sums = Worth(*map(sum, zip(self, other, strict=True)))
        return sums._replace(longest_wait_s=max(self.longest_wait_s, other.longest_wait_s))

    def per_100_days(self, count: int) -> float:
        """A count as of 100 people in one day."""
        return 100 * count / self.person_days

    def a_month(self, count: int) -> float:
        """A count as of one person in a month."""
        return MONTH_DAYS * count / self.person_days

    def ppv(self, rarity: int = 1) -> float | None:
        """The share of true alarms; None: no alarm.

        rarity: as if silence came so many times more rarely than in the fleet, where it is far more frequent than in
            life.
        """
        true = self.true / rarity
        return true / (true + self.false) if self.true + self.false else None

    def fewer_than(self, naive: "Worth") -> float | None:
        """How many of the naive rule's false alarms do not come, as a share; None: the naive rule has none."""
        return 1 - self.false / naive.false if naive.false else None


def naive_alarms(lived: Lived, fleet: Fleet, grace_min: int = 0) -> dict[Place, Alarm]:
    """The alarms of the naive rule, so many minutes after the close."""
    heard: dict[Place, int] = {}
    for one in lived.deliveries:
        if one.sent is not None and one.sent.window is not None and one.sent.says in _UP:
            heard.setdefault((one.sent.subject, one.sent.window), one.at)
    alarms = {}
    for place, course in courses(fleet):
        at = fleet.calendar.close(place[1]) + grace_min * 60
        if course is not HomeCourse.EXCUSED and heard.get(place, at + 1) > at:
            alarms[place] = Alarm(at, at)
    return alarms


def judged_alarms(alerts: Iterable[JsonView]) -> dict[Place, Alarm]:
    """The alarms among the CloudEvents of topic `alerts`, which are in order of time."""
    alarms: dict[Place, Alarm] = {}
    for alert in alerts:
        data = alert["data"]
        if data["kind"] not in _KINDS or data["change"] not in _TELLS:
            continue
        place, at = (int(alert["subject"]), int(Window.parse(data["window"]))), parse_time(alert["time"], "time")
        alarm = alarms.get(place, Alarm(at, None))
        rings = data["change"] in _RINGS and alarm.rang_at is None
        alarms[place] = alarm._replace(rang_at=at) if rings else alarm
    return alarms


def worth(lived: Lived, fleet: Fleet, alarms: Mapping[Place, Alarm]) -> Worth:
    """The figures of a rule that gave these alarms in this run. Emergencies are those of the core."""
    calendar, up_at = fleet.calendar, _up_at(lived)
    figures = dict.fromkeys(Worth._fields, 0)
    figures["person_days"] = len(fleet.homes) * calendar.days
    for place, course in courses(fleet):
        alarm = alarms.get(place)
        if course in _TRUE:
            _true(figures, alarm, calendar, place[1])
        elif alarm is not None and alarm.rang_at is not None:
            figures["false"] += 1
            figures["false_up"] += up_at.get(place, alarm.rang_at + 1) <= alarm.rang_at
    figures["questions"], figures["sms"] = len(lived.questions), len(lived.sent) * fleet.network.copies
    truth = fleet.truth_of(lived.sent, lived.deliveries)
    figures["missed_emergencies"] = sum(due.kind in EMERGENCY_KINDS for due in score(truth, lived.alerts).missed)
    return Worth(**figures)


def _true(figures: dict[str, int], alarm: Alarm | None, calendar: RunCalendar, window: int) -> None:
    if alarm is None or alarm.known_at > calendar.deadline(window) + SOON_S:
        figures["missed"] += 1
    if alarm is not None:
        figures["true"] += 1
        figures["longest_wait_s"] = max(figures["longest_wait_s"], alarm.known_at - calendar.close(window))


def _up_at(lived: Lived) -> dict[Place, int]:
    """When each person was first up, by window."""
    found: dict[Place, int] = {}
    for sms in lived.sent:
        if sms.window is not None and sms.says in _UP:
            found.setdefault((sms.subject, sms.window), sms.at)
    return found


def courses(fleet: Fleet) -> Iterator[tuple[Place, HomeCourse]]:
    for home in fleet.homes:
        for (day, half), course in home.courses.items():
            yield (home.subject, fleet.calendar.window(day, half)), course
