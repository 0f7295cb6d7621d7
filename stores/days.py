"""The figures of a day and site are absolute: they are computed from all stored documents of the day.

This file also finds the days that a change touches. It reads them after the changes were applied. Two writers may each
write a part of a change that moves a person to another day; then the second writer sees both parts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import median_low
from typing import Final, NamedTuple

from models.times import format_date, parse_time
from models.window import HALVES
from models.zones import local_day
from stores.changing import read
from stores.connection import Database
from stores.projection.collections import ALERTS, BUCKETS, BY_NAME, CHECKINS, DAYS, PEOPLE
from stores.projection.document import Document
from stores.projection.operations import DocumentChange

_OF_ALERT: Final = {"subject": 1, "window": 1, "opened_at": 1, "revisions": 1}


class Day(NamedTuple):
    """A day of a site.

    day: a local date, such as 2026-11-24.
    """

    day: str
    site: str

    @property
    def id(self) -> str:
        return f"{self.day}/{self.site}"


def day_of_place(place: str) -> Day:
    """Parse a text such as 2026-11-24/jongno."""
    return Day(*place.split("/", 1))


class Ids(NamedTuple):
    """The written documents, by their _ids: they must be read to find their days.

    days: the days that are known without a read.
    """

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
                if set(change.entries) != {"revisions.1"}:  # an earlier revision may have been at another site
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
    """Return the days of a check-in, at every site of its revisions: a person may move between two revisions."""
    return {Day(checkin["day"], one["site"]) for one in checkin["revisions"].values()}


def sites_of_alert(alert: Document) -> set[str]:
    """Return every site of the alert's revisions."""
    return {one["site"] for one in alert["revisions"].values()}


def days_of_alert(alert: Document) -> set[Day]:
    """Return every day that an alert may count for. If it has no window, the day depends on the time zone."""
    if alert["window"] is not None:
        return {Day(alert["window"].split(":")[0], site) for site in sites_of_alert(alert)}
    opened = date.fromisoformat(alert["opened_at"][:10])
    return {Day((opened + timedelta(days=off)).isoformat(), site) for site in sites_of_alert(alert)
            for off in (-1, 0, 1)}


def date_of_alert(alert: Document, zones: Mapping[int, str]) -> str:
    """Return the date of the alert's window, else the local date of its opening (UTC if no zone is known)."""
    if alert["window"] is not None:
        return str(alert["window"].split(":")[0])
    opened = parse_time(alert["opened_at"], "opened_at")
    return format_date(local_day(zones.get(alert["subject"], "UTC"), opened))


class Sources(NamedTuple):
    """The documents that the figures of some days are computed from; there may be more.

    zones: the time zones by subject, for alerts without a window.
    """

    checkins: list[Document]
    alerts: list[Document]
    buckets: list[Document]
    zones: Mapping[int, str]


def figures(days: Iterable[Day], sources: Sources) -> dict[str, Document]:
    """Compute the documents of some days, by _id; a day without sources has no document.

    Fields of a document:
    `checkins`: the number of people by half and result.
    `alerts`: the number of alerts by kind.
    `woke`: the median of each person's first activity, as the devices report it; of two middle values the earlier one.
    `sms`: `n` reports that name a window; `late` of them are late.
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
    """Reads the sources of the figures. database: a database of Motor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def touched(self, ids: Ids) -> set[Day]:
        """Return the days whose figures may have changed when these documents were written."""
        days = set(ids.days)
        for one in (await read(self._database, CHECKINS, ids.checkins, {"day": 1, "revisions": 1})).values():
            days |= days_of_checkin(one)
        # A body that is not late replaces a late one: then the day that the late one named loses a report.
        for one in (await read(self._database, BUCKETS, ids.buckets, {"seen": 1})).values():
            days |= {day_of_place(seen["place"]) for seen in (one.get("seen") or {}).values() if seen["late"]}
        alerts = list((await read(self._database, ALERTS, ids.alerts, _OF_ALERT)).values())
        zones = await self._zones(alerts)
        days |= {Day(date_of_alert(one, zones), site) for one in alerts for site in sites_of_alert(one)}
        if ids.people:  # the time zone may have changed, and the former one is unknown
            for one in await self._alerts({"subject": {"$in": ids.people}, "window": None}):
                days |= days_of_alert(one)
        return days

    async def _alerts(self, where: Document) -> list[Document]:
        found: list[Document] = await self._database[ALERTS].find(where, _OF_ALERT).to_list(None)
        return found

    async def figures(self, days: set[Day]) -> dict[str, Document]:
        """Compute the figures of some days, as they should be stored."""
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
