"""The board orders and counts; it judges nothing. The check-in says whether a person is silent; the alert says whether
a person needs help.

Pure functions make the board from the known alerts, check-ins and people.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from models.contract.alerts import Severity
from models.figures import UNWATCHED_S
from models.judgement.windows import scheduled
from models.profile import Span
from models.window import HALVES, Window
from models.zones import local_day
from web.alerts import AlertOnPage
from web.checkins import CheckIn, PersonCard

RANK: Final[Mapping[str, int]] = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.MAINTENANCE: 2}
WAITING, UPCOMING = "waiting", "upcoming"
RESULTS: Final = ("not_awake", "silent", WAITING, UPCOMING, "excused", "out", "awake")  # in the order of the list
DEFAULT_ZONE: Final = "Asia/Seoul"
QUIET_S: Final = 30.0      # three progress records are missing
AHEAD_S: Final = 300


class Outage(NamedTuple):
    """The incidents of a gateway that are open in at least one lane.

    since: when the first of them opened, epoch seconds.
    why: each sentence once, by language.
    incident: the one that the buttons are for: the first that no caseworker has acknowledged, else the first.
    """

    gateway: str
    since: int
    why: tuple[Mapping[str, str], ...]
    incident: AlertOnPage


class Sections(NamedTuple):
    """The active alerts by the action that they need, and the alerts that ended since a moment."""

    outages: list[Outage]
    urgent: list[AlertOnPage]
    held: list[AlertOnPage]
    devices: list[AlertOnPage]
    ended: list[AlertOnPage]


class Row(NamedTuple):
    """One person in one window.

    at: when the result came, epoch seconds; None: no result yet.
    span: the times of the window; None: not known.
    """

    subject: int
    site: str
    name: str | None
    result: str
    at: int | None
    span: Span | None


class Tally(NamedTuple):
    """The results of a window.

    counts: the number of people, by result.
    opens: the earliest opening, epoch seconds.
    closes: the latest deadline, epoch seconds.
    """

    counts: Mapping[str, int]
    opens: int | None
    closes: int | None

    @property
    def checked_in(self) -> int:
        return self.counts.get("awake", 0) + self.counts.get("out", 0)

    @property
    def missing(self) -> int:
        return sum(self.counts.get(result, 0) for result in ("not_awake", "silent", WAITING))

    @property
    def excused(self) -> int:
        return self.counts.get("excused", 0)


class WatchStatus(StrEnum):
    """Whether people are being watched, by the age of each lane's last progress record."""

    STARTING = "starting"
    WATCHED = "watched"
    QUIET = "quiet"
    PARTLY = "partly"
    UNWATCHED = "unwatched"


def urgency(alert: AlertOnPage) -> tuple[int, bool, int, str]:
    """Sort key: critical first, then unacknowledged, then oldest. An unknown severity counts as critical."""
    return RANK.get(alert.severity, 0), alert.acknowledged_by is not None, alert.opened_at, alert.key.alert


def sections(alerts: Iterable[AlertOnPage], site: str | None, ended_since: int) -> Sections:
    """The sections of the board. Outages concern every site.

    site: the site to show; None: all sites.
    ended_since: epoch seconds; alerts that ended before are left out.
    """
    found = Sections([], [], [], [], [])
    incidents: dict[str, list[AlertOnPage]] = {}
    for alert in alerts:
        if alert.gateway is not None:
            if alert.active:
                incidents.setdefault(alert.gateway, []).append(alert)
        elif site is not None and alert.site != site:
            continue
        elif not alert.active:
            if alert.newest.at >= ended_since:
                found.ended.append(alert)
        elif alert.held:
            found.held.append(alert)
        elif alert.severity == Severity.MAINTENANCE:
            found.devices.append(alert)
        else:
            found.urgent.append(alert)
    found.outages.extend(_outage(gateway, incidents[gateway]) for gateway in sorted(incidents))
    for part in (found.urgent, found.held, found.devices):
        part.sort(key=urgency)
    found.ended.sort(key=lambda alert: (-alert.newest.at, alert.key.alert))
    return found


def _outage(gateway: str, incidents: list[AlertOnPage]) -> Outage:
    incidents.sort(key=lambda one: (one.opened_at, one.key.alert, one.key.lane or 0))
    sentences = {tuple(sorted(one.newest.why.items())): one.newest.why for one in incidents}
    open_one = next((one for one in incidents if one.acknowledged_by is None), incidents[0])
    return Outage(gateway, incidents[0].opened_at, tuple(sentences.values()), open_one)


def in_need(urgent: Iterable[AlertOnPage]) -> int:
    """The number of people (not of alerts) that need help."""
    return len({alert.subject for alert in urgent})


def page_zone(people: Iterable[PersonCard]) -> str:
    """The zone in which most people live: the page shows dates and times of this zone."""
    zones = Counter(person.profile.schedule.tz for person in people)
    return max(zones, key=lambda name: (zones[name], name), default=DEFAULT_ZONE)


def page_day(people: Iterable[PersonCard], now: int) -> int:
    """The date of the page, in days since 2020-01-01."""
    return local_day(page_zone(people), now)


def window_span(person: PersonCard, window: int) -> Span | None:
    """The times of a window for a person; None: nothing is expected of the person in this window."""
    span = scheduled(person.profile.schedule, window)
    return None if span is None or person.profile.retired or span.open < person.profile.schedule.since else span


def current_window(people: Collection[PersonCard], now: int) -> Window:
    """Today's afternoon once it has opened for at least one person, else today's morning."""
    today = page_day(people, now)
    morning, afternoon = (Window.of(today, half) for half in HALVES)
    spans = (window_span(person, afternoon) for person in people)
    return afternoon if any(span is not None and span.open <= now for span in spans) else morning


def rows(people: Mapping[int, PersonCard], checkins: Mapping[int, CheckIn], window: int, now: int,
         site: str | None) -> list[Row]:
    """The people of whom something is expected in a window, and the unknown people who have a result in it.

    The rows have the order of RESULTS, then of name or number.

    checkins: the check-ins of this window, by subject.
    """
    found = []
    for subject in people.keys() | checkins.keys():
        person, checkin = people.get(subject), checkins.get(subject)
        name, span = (None, None) if person is None else (person.name, window_span(person, window))
        if checkin is not None:
            row = Row(subject, checkin.site, name, checkin.result, checkin.at, span)
        elif span is not None and person is not None:
            row = Row(subject, person.profile.site, name, WAITING if span.open <= now else UPCOMING, None, span)
        else:
            continue
        if site is None or row.site == site:
            found.append(row)
    return sorted(found, key=_listed)


def _listed(row: Row) -> tuple[int, bool, str, int]:
    place = RESULTS.index(row.result) if row.result in RESULTS else -1  # an unknown result comes first, to be seen
    return place, row.name is None, row.name or "", row.subject


def tally(listed: Collection[Row]) -> Tally:
    spans = [row.span for row in listed if row.span is not None]
    return Tally(Counter(row.result for row in listed), min((span.open for span in spans), default=None),
                 max((span.deadline for span in spans), default=None))


def watch_state(seen: Mapping[int, float], lanes: int, since: float, now: float) -> WatchStatus:
    """Whether people are being watched.

    seen: by lane, the time of its last progress record, real time, epoch seconds.
    since: the time since which this page has been listening, epoch seconds.
    """
    ages = [now - seen.get(lane, since) for lane in range(lanes)] or [now - since]
    stale = sum(age >= UNWATCHED_S for age in ages)
    if stale:
        return WatchStatus.UNWATCHED if stale == len(ages) else WatchStatus.PARTLY
    if not lanes or any(lane not in seen for lane in range(lanes)):
        return WatchStatus.STARTING
    return WatchStatus.QUIET if max(ages) >= QUIET_S else WatchStatus.WATCHED


def judged_until(by_lane: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """By gateway, the time up to which all people have been judged, epoch seconds."""
    return _by_gateway(by_lane, min)


def ahead(by_lane: Iterable[Mapping[str, int]], now: int) -> dict[str, int]:
    """By gateway that is more than 5 minutes ahead: up to when people were judged too early, in epoch seconds.

    They will not be judged again.
    """
    return {gateway: at for gateway, at in _by_gateway(by_lane, max).items() if at > now + AHEAD_S}


def _by_gateway(by_lane: Iterable[Mapping[str, int]], choose: Callable[[int, int], int]) -> dict[str, int]:
    """By gateway, the time that `choose` picks from the times of several lanes."""
    found: dict[str, int] = {}
    for lane in by_lane:
        for gateway, at in lane.items():
            found[gateway] = choose(at, found.get(gateway, at))
    return dict(sorted(found.items()))
