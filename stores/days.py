"""The figures of a day and site: absolute, made from all that is stored, and which days a change touches.

Which days these are is read after the changes were applied. So of two writers, each of whom has a part of what puts a
person into another day, the second one sees both parts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import median_low
from typing import Any, Final, NamedTuple

from models.times import format_date, parse_time
from models.window import HALVES
from models.zones import local_day
from stores.changing import read
from stores.projection.collections import ALERTS, BUCKETS, BY_NAME, CHECKINS, DAYS, PEOPLE
from stores.projection.operations import Document, DocumentChange

_OF_ALERT: Final = {"subject": 1, "window": 1, "opened_at": 1, "revisions": 1}


class Day(NamedTuple):
    """day: a local date, 2026-11-24."""

    day: str
    site: str

    @property
    def id(self) -> str:
        return f"{self.day}/{self.site}"


def day_of_place(place: str) -> Day:
    """Of a text such as 2026-11-24/jongno."""
    return Day(*place.split("/", 1))


class Ids(NamedTuple):
    """What was written: days that are known at once, and documents that have to be read to know which days."""

    checkins: list[str]
    alerts: list[str]
    people: list[int]
    buckets: list[str]
    days: set[Day]


def ids_of(changes: Iterable[DocumentChange]) -> Ids:
    ids = Ids([], [], [], [], set())
    for change in changes:
        match change.collection:
            case "checkins":
                ids.days.update(Day(change.fixed["day"], one.value["site"]) for one in change.entries.values())
                if set(change.entries) != {"revisions.1"}:  # a former revision may have been of another site
                    ids.checkins.append(change.id)
            case "buckets":
                ids.buckets.append(change.id)
                ids.days.update(day_of_place(entry.value["place"]) for path, entry in change.entries.items()
                                if path.startswith("seen."))
            case "alerts":
                ids.alerts.append(change.id)
            case "people" if change.version is not None:
                ids.people.append(int(change.id))
    return ids


def days_of_checkin(checkin: Document) -> set[Day]:
    """Of every site that it ever was of: a person may move between two revisions."""
    return {Day(checkin["day"], one["site"]) for one in checkin["revisions"].values()}


def sites_of_alert(alert: Document) -> set[str]:
    """Every site that it ever was of."""
    return {one["site"] for one in alert["revisions"].values()}


def days_of_alert(alert: Document) -> set[Day]:
    """Every day that it may count for. Without a window that depends on the person's time zone."""
    if alert["window"] is not None:
        return {Day(alert["window"].split(":")[0], site) for site in sites_of_alert(alert)}
    opened = date.fromisoformat(alert["opened_at"][:10])
    return {Day((opened + timedelta(days=off)).isoformat(), site) for site in sites_of_alert(alert)
            for off in (-1, 0, 1)}


def date_of_alert(alert: Document, zones: Mapping[int, str]) -> str:
    """The date of its window, else the local one of its opening (UTC while nothing is known of the person)."""
    if alert["window"] is not None:
        return str(alert["window"].split(":")[0])
    opened = parse_time(alert["opened_at"], "opened_at")
    return format_date(local_day(zones.get(alert["subject"], "UTC"), opened))


class Sources(NamedTuple):
    """All that the figures of some days are made from, and more. zones: by subject, of alerts without a window."""

    checkins: list[Document]
    alerts: list[Document]
    buckets: list[Document]
    zones: Mapping[int, str]


def figures(days: Iterable[Day], sources: Sources) -> dict[str, Document]:
    """The documents of some days by _id; none for a day without any.

    `checkins`: people by half and result. `alerts`: by kind. `woke`: the median of the first activity of each person,
    as the devices tell it, the earlier of two in the middle. `sms`: `n` reports that name a window, `late` of them.
    """
    results: defaultdict[Day, Counter[tuple[str, str]]] = defaultdict(Counter)
    kinds: defaultdict[Day, Counter[str]] = defaultdict(Counter)
    reports: defaultdict[str, Counter[str]] = defaultdict(Counter)
    woke: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for one in sources.checkins:
        results[Day(one["day"], one["site"])][one["half"], one["result"]] += 1
    for one in sources.alerts:
        kinds[Day(date_of_alert(one, sources.zones), one["site"])][one["kind"]] += 1
    for bucket in sources.buckets:
        for one in bucket["c"]["days"]:
            reports[one["place"]].update(n=one["n"], late=one["late"])
            if one["woke"] is not None:
                mine = woke[one["place"]]
                mine[bucket["subject"]] = min(mine.get(bucket["subject"], one["woke"]), one["woke"])
    return {day.id: {
        "_id": day.id, "schema": BY_NAME[DAYS].schema, "day": day.day, "site": day.site,
        "checkins": {half: {result: n for (of, result), n in sorted(results[day].items()) if of == half}
                     for half in HALVES},
        "alerts": dict(sorted(kinds[day].items())),
        "woke": median_low(woke[day.id].values()) if woke[day.id] else None,
        "sms": {"n": reports[day.id]["n"], "late": reports[day.id]["late"]},
        "dated": datetime.fromisoformat(day.day).replace(tzinfo=UTC),
    } for day in days if results[day] or kinds[day] or reports[day.id]}


class DayReader:
    """What the figures are made from. database: Motor's."""

    def __init__(self, database: Any) -> None:
        self._database = database

    async def touched(self, ids: Ids) -> set[Day]:
        """The days whose figures may be others after these documents were written."""
        days = set(ids.days)
        for one in (await read(self._database, CHECKINS, ids.checkins, {"day": 1, "revisions": 1})).values():
            days |= days_of_checkin(one)
        # A late body gives way to the one that is not: then the day that it named loses a report.
        for one in (await read(self._database, BUCKETS, ids.buckets, {"seen": 1})).values():
            days |= {day_of_place(seen["place"]) for seen in (one.get("seen") or {}).values() if seen["late"]}
        alerts = list((await read(self._database, ALERTS, ids.alerts, _OF_ALERT)).values())
        zones = await self._zones(alerts)
        days |= {Day(date_of_alert(one, zones), site) for one in alerts for site in sites_of_alert(one)}
        if ids.people:  # their time zone may be another, and nobody knows which it was
            for one in await self._alerts({"subject": {"$in": ids.people}, "window": None}):
                days |= days_of_alert(one)
        return days

    async def _alerts(self, where: Document) -> list[Document]:
        found: list[Document] = await self._database[ALERTS].find(where, _OF_ALERT).to_list(None)
        return found

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
        buckets = await self._database[BUCKETS].find(
            {"c.places": {"$in": sorted(day.id for day in days)}}, {"subject": 1, "c.days": 1}).to_list(None)
        return figures(days, Sources(checkins, alerts, buckets, await self._zones(alerts)))

    async def _zones(self, alerts: list[Document]) -> dict[int, str]:
        subjects = sorted({str(one["subject"]) for one in alerts if one["window"] is None})
        if not subjects:
            return {}
        found = self._database[PEOPLE].find({"_id": {"$in": subjects}, "gone": False}, {"subject": 1, "profile.tz": 1})
        return {one["subject"]: one["profile"]["tz"] async for one in found}
