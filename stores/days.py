"""The figures of a day and site: absolute, made from all that is stored whenever any of it changes.

Whoever writes goes on until what is stored is what the documents give. So four writers at once, or one that dies and
starts again, end with the same figures: the last of them to write has seen everything.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from models.times import format_date, parse_time
from models.windows import local_day
from stores.collections import ALERTS, CHECKINS, DAYS, HALVES, PEOPLE, SCHEMA
from stores.operations import Change, Document


class Day(NamedTuple):
    """day: a local date, 2026-11-24."""

    day: str
    site: str

    @property
    def id(self) -> str:
        return f"{self.day}/{self.site}"


class Ids(NamedTuple):
    """What was written: documents whose days may have other figures now."""

    checkins: list[str]
    alerts: list[str]
    people: list[int]


def ids_of(changes: Iterable[Change]) -> Ids:
    ids = Ids([], [], [])
    for change in changes:
        match change.collection:
            case "checkins":
                ids.checkins.append(change.id)
            case "alerts":
                ids.alerts.append(change.id)
            case "people" if change.version is not None:
                ids.people.append(int(change.id))
    return ids


def days_of_checkin(checkin: Document) -> set[Day]:
    """Of every site that it ever was of: a person may move between two revisions."""
    return {Day(checkin["day"], one["site"]) for one in checkin["revisions"].values()}


def days_of_alert(alert: Document) -> set[Day]:
    """Every day that it may count for. Without a window that depends on the person's time zone."""
    sites = {one["site"] for one in alert["revisions"].values()}
    if alert["window"] is not None:
        return {Day(alert["window"].split(":")[0], site) for site in sites}
    opened = date.fromisoformat(alert["opened_at"][:10])
    return {Day((opened + timedelta(days=off)).isoformat(), site) for site in sites for off in (-1, 0, 1)}


def day_of_alert(alert: Document, zones: Mapping[int, str]) -> Day:
    """The date of its window, else the local one of its opening (UTC while nothing is known of the person)."""
    if alert["window"] is not None:
        return Day(alert["window"].split(":")[0], alert["site"])
    opened = parse_time(alert["opened_at"], "opened_at")
    return Day(format_date(local_day(zones.get(alert["subject"], "UTC"), opened)), alert["site"])


def figures(days: Iterable[Day], checkins: Iterable[Document], alerts: Iterable[Document],
            zones: Mapping[int, str]) -> dict[str, Document]:
    """The documents of some days by _id: people by half and result, alerts by kind; none for a day without any."""
    results: defaultdict[Day, Counter[tuple[str, str]]] = defaultdict(Counter)
    kinds: defaultdict[Day, Counter[str]] = defaultdict(Counter)
    for one in checkins:
        results[Day(one["day"], one["site"])][one["half"], one["result"]] += 1
    for one in alerts:
        kinds[day_of_alert(one, zones)][one["kind"]] += 1
    return {day.id: {
        "_id": day.id, "schema": SCHEMA, "day": day.day, "site": day.site,
        "checkins": {half: {result: n for (of, result), n in sorted(results[day].items()) if of == half}
                     for half in HALVES},
        "alerts": dict(sorted(kinds[day].items())),
    } for day in days if results[day] or kinds[day]}


class DayReader:
    """What the figures are made from. database: Motor's."""

    def __init__(self, database: Any) -> None:
        self._database = database

    async def touched(self, ids: Ids) -> set[Day]:
        """The days whose figures may be others after these documents were written."""
        days: set[Day] = set()
        if ids.checkins:
            async for one in self._database[CHECKINS].find({"_id": {"$in": ids.checkins}}, {"day": 1, "revisions": 1}):
                days |= days_of_checkin(one)
        whose: list[Document] = []
        if ids.alerts:
            whose.append({"_id": {"$in": ids.alerts}})
        if ids.people:
            whose.append({"subject": {"$in": ids.people}, "window": None})  # their time zone may be another
        for where in whose:
            async for one in self._database[ALERTS].find(where, {"window": 1, "opened_at": 1, "revisions": 1}):
                days |= days_of_alert(one)
        return days

    async def figures(self, days: set[Day]) -> dict[str, Document]:
        """As they should be stored."""
        checkins: list[Document] = []
        alerts: list[Document] = []
        by_day: defaultdict[str, list[str]] = defaultdict(list)
        for day, site in sorted(days):
            by_day[day].append(site)
        for day, sites in by_day.items():
            checkins += await self._database[CHECKINS].find(
                {"day": day, "site": {"$in": sites}}, {"day": 1, "half": 1, "site": 1, "result": 1}).to_list(None)
        wanted = {"site": 1, "window": 1, "opened_at": 1, "kind": 1, "subject": 1}
        sites_in_play = sorted({day.site for day in days})
        windows = [f"{day}:{half}" for day in by_day for half in HALVES]
        alerts += await self._database[ALERTS].find(
            {"site": {"$in": sites_in_play}, "window": {"$in": windows}}, wanted).to_list(None)
        first, last = date.fromisoformat(min(by_day)), date.fromisoformat(max(by_day))
        alerts += await self._database[ALERTS].find(
            {"site": {"$in": sites_in_play}, "window": None,
             "opened_at": {"$gte": (first - timedelta(days=1)).isoformat(),
                           "$lt": (last + timedelta(days=2)).isoformat()}}, wanted).to_list(None)
        return figures(days, checkins, alerts, await self._zones(alerts))

    async def stored(self, days: set[Day]) -> dict[str, Document]:
        found = self._database[DAYS].find({"_id": {"$in": [day.id for day in days]}})
        return {one["_id"]: one async for one in found}

    async def _zones(self, alerts: list[Document]) -> dict[int, str]:
        subjects = sorted({str(one["subject"]) for one in alerts if one["window"] is None})
        if not subjects:
            return {}
        found = self._database[PEOPLE].find({"_id": {"$in": subjects}, "gone": False}, {"subject": 1, "profile.tz": 1})
        return {one["subject"]: one["profile"]["tz"] async for one in found}
