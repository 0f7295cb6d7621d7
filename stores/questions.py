"""An index serves each question of caseworkers to the history, and each answer is rows of plain values.

Every method raises StoreAwayError while the database does not answer.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from statistics import median_low
from typing import Final

from models.contract.alerts import Kind
from models.figures import EMPTY_IN_DAYS, FAILING_BATTERY_PCT, FAILING_SIGNAL_DBM, LATER_MIN, MORNINGS_BEFORE
from models.json_object import JsonView
from models.times import format_clock, parse_time
from models.window import HALVES
from stores.changing import read
from stores.connection import Connection, Database
from stores.days import day_of_place
from stores.errors import mapped
from stores.pages import Page, cursor_of, newest, parts_of
from stores.projection.collections import ALERTS, BUCKETS, CHECKINS, DAYS, DEVICES, INCIDENTS, PEOPLE, STATES
from stores.projection.document import Document
from stores.projection.weeks import week_of

MOST: Final = 500
LOOK_DAYS: Final = (2, 10, 60, 365)  # periods back in which alerts are looked for, before all are
_FAILING: Final = (("days_left", EMPTY_IN_DAYS), ("battery_pct", FAILING_BATTERY_PCT),
                   ("signal_dbm", FAILING_SIGNAL_DBM))
_ALERT: Final = (
    "alert", "revision", "subject", "site", "gateway", "lane", "kind", "severity", "active", "acknowledged_by",
    "assignee", "window", "opened_at", "changed_at", "change", "reason", "outcome", "why")


class Questions:
    """Reads of one database. url: mongodb://host:port/name, else ValueError. today: only where a search begins."""

    def __init__(self, url: str, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._connection = Connection(url)
        self._database: Database = self._connection.database
        self._today = today

    async def state(self, subject: int) -> Document | None:
        """Return a person's profile, contact, newest report and results, devices; None if the number is unknown."""
        with mapped():
            person = await self._database[PEOPLE].find_one({"_id": str(subject)}, {"excuses": 0})
            state = await self._database[STATES].find_one({"_id": str(subject)}, {"mornings": 0})
            devices = await self._database[DEVICES].find({"subject": subject}).sort([("slot", 1)]).to_list(None)
            open_alerts = await self._database[ALERTS].find(
                {"subject": subject, "active": True}, dict.fromkeys(_ALERT, 1)).to_list(None)
        if person is None and state is None:
            return None
        person, state = person or {}, state or {}
        return {
            "subject": subject, "site": person.get("site"), "profile": person.get("profile"),
            "contact": person.get("contact"), "heard": _plain(state.get("heard")),
            "report": _plain(state.get("report")),
            "windows": {half: _plain(one) for half, one in (state.get("windows") or {}).items()},
            "wake_up": _wake_up(state), "alerts": [_alert(one) for one in open_alerts],
            "devices": [{"slot": one["slot"], "heard": _plain(one.get("heard")), "attrs": one.get("attrs") or [],
                         **_trend(one)} for one in devices]}

    async def weeks(self, subject: int, cursor: str | None, limit: int) -> Page | None:
        """Return a person's weeks, newest first, with figures and results of windows; None if the number is unknown.
        Weeks without any report are included: they are the ones to look at."""
        where: Document = {"subject": subject}
        days: Document = {}
        end = self._today()
        if cursor is not None:
            [before] = parts_of(cursor, _check_week)
            end = _monday(before)
            where["period"], days["$lt"] = {"$lt": before}, end.isoformat()
        begin = week_of(end - timedelta(days=7 * (limit + 1)))
        with mapped():
            found = await newest(self._database[BUCKETS], where, [("period", -1)], [begin], limit + 1,
                                 {"period": 1, "c": 1})
            if len(found) > limit:  # else all results: weeks of silence must fill the page
                days["$gte"] = _monday(found[-1]["period"]).isoformat()
            results = await self._database[CHECKINS].find(
                {"subject": subject, **({"day": days} if days else {})},
                {"window": 1, "day": 1, "result": 1}).sort([("day", 1)]).to_list(None)
        by_week: dict[str, dict[str, str]] = {one["period"]: {} for one in found}
        for one in results:
            by_week.setdefault(_period(one["day"], "week"), {})[one["window"]] = one["result"]
        buckets = {one["period"]: one for one in found}
        weeks = sorted(by_week, reverse=True)
        if not weeks and not await self._is_known(subject):
            return None
        rows = [_week(week, buckets.get(week), by_week[week]) for week in weeks[:limit]]
        return Page(rows, cursor_of(weeks[limit - 1]) if len(weeks) > limit else None)

    async def wake_up(self, subject: int) -> Document | None:
        """Return when a person gets up: the median of the newest 28 mornings, the median of the 28 before, and each
        morning; None if the number is unknown."""
        with mapped():
            state = await self._database[STATES].find_one({"_id": str(subject)}, {"mornings": 1, "c": 1})
        if state is None:
            if not await self._is_known(subject):
                return None
            state = {}  # no report has come yet
        mornings = sorted((state.get("mornings") or {}).items(), reverse=True)
        return {"subject": subject, **_wake_up(state),
                "mornings": [{"date": day, "woke": _clock(one["minute"])} for day, one in mornings]}

    async def later(self, site: str, at_least_min: int = LATER_MIN, limit: int = MOST) -> list[Document]:
        """Return people whose mornings drift later, the most first; people with too few mornings are left out."""
        wanted = {"subject": 1, "c": 1}
        found = await read(self._database, STATES, map(str, await self._came(site)), wanted)
        with mapped():
            found |= {one["_id"]: one for one in await self._database[STATES].find(
                {"heard.site": site, "c.later_min": {"$gte": at_least_min}}, wanted).sort(
                [("c.later_min", -1)]).limit(limit).to_list(None)}
        here = await self._here(site, found.values())
        rows = [{"subject": one["subject"], **_wake_up(one)} for one in found.values()
                if one["subject"] in here and _is_later(one, at_least_min)]
        return sorted(rows, key=lambda row: (-row["later_min"], row["subject"]))[:limit]

    async def failing(self, site: str, limit: int = MOST) -> list[Document]:
        """Return devices with a battery that is low or soon empty, or a weak signal; the worst first."""
        wanted = {"subject": 1, "slot": 1, "c": 1, "heard": 1}
        came = await self._came(site)
        with mapped():
            found = {one["_id"]: one for one in await self._database[DEVICES].find(
                {"subject": {"$in": came}}, wanted).to_list(None) if _fails(one)} if came else {}
        for field, limit_of in _FAILING:
            with mapped():
                # The lower bound leaves out null, which is below every number in the order of an index.
                found |= {one["_id"]: one for one in await self._database[DEVICES].find(
                    {"heard.site": site, f"c.{field}": {"$lte": limit_of, "$gt": -1e9}}, wanted).sort(
                    [(f"c.{field}", 1)]).limit(limit).to_list(None)}
        here = await self._here(site, found.values())
        rows = [{"subject": one["subject"], "slot": one["slot"], "heard_at": one["heard"]["at"], **_trend(one)}
                for one in found.values() if one["slot"] in here.get(one["subject"], ())]
        return sorted(rows, key=_risk)[:limit]

    async def figures(self, site: str, first: date, last: date, by: str) -> list[Document]:
        """Return a site's figures by `day`, `week` (ISO) or `month`, the oldest first. `woke`: the median of days."""
        with mapped():
            days = await self._database[DAYS].find(
                {"site": site, "day": {"$gte": first.isoformat(), "$lte": last.isoformat()}}).sort(
                [("day", 1)]).to_list(None)
        periods: dict[str, list[Document]] = {}
        for one in days:
            periods.setdefault(_period(one["day"], by), []).append(one)
        return [_sum(period, site, ones) for period, ones in periods.items()]

    async def alerts(self, where: JsonView, first: str | None, last: str | None, cursor: str | None,
                     limit: int) -> Page:
        """Return alerts, the newest first. Outages of gateways are asked for by their kind. An outage comes once for
        each lane that judged it, and belongs to no person and to every site.

        where: fields that must be equal.
        first, last: bounds of the time of the opening, RFC 3339 in UTC, 1970 to 2199; `last` is excluded.
        """
        opened: Document = {} if first is None else {"$gte": first}
        if last is not None:
            opened["$lt"] = last
        asked: Document = {name: value for name, value in where.items() if value is not None}
        collection = ALERTS
        if asked.get("kind") == Kind.GATEWAY_OUTAGE:
            collection = INCIDENTS
            asked = {name: value for name, value in asked.items() if name not in ("kind", "site")}
        if cursor is not None:
            at, after = parts_of(cursor, partial(parse_time, field="cursor"), str)
            opened["$lte"] = at
            asked["$or"] = [{"opened_at": {"$lt": at}}, {"_id": {"$lt": after}}]
        if opened:
            asked["opened_at"] = opened
        end = opened.get("$lte") or opened.get("$lt") or self._today().isoformat()
        begins = [(date.fromisoformat(end[:10]) - timedelta(days=days)).isoformat() for days in LOOK_DAYS]
        with mapped():
            found = await newest(self._database[collection], asked, [("opened_at", -1), ("_id", -1)], begins, limit + 1,
                                 dict.fromkeys(_ALERT, 1))
        page = found[:limit]
        return Page([_alert(one) for one in page],
                    cursor_of(page[-1]["opened_at"], page[-1]["_id"]) if len(found) > limit else None)

    async def is_site(self, site: str) -> bool:
        """Whether any person is at this site, or was."""
        with mapped():
            return await self._database[PEOPLE].find_one({"gone": False, "site": site}, {"_id": 1}) is not None or \
                await self._database[DAYS].find_one({"site": site}, {"_id": 1}) is not None

    async def _is_known(self, subject: int) -> bool:
        """Whether the number belongs, or belonged, to a person. If not, `state` returns None."""
        with mapped():
            return any([await self._database[name].find_one({"_id": str(subject)}, {"_id": 1})
                        for name in (PEOPLE, STATES)])

    async def _came(self, site: str) -> list[int]:
        """Return people who came from another site: a newest report from before the move names that other site."""
        with mapped():
            found = await self._database[PEOPLE].find({"site": site, "moved": True}, {"subject": 1}).to_list(None)
        return [one["subject"] for one in found]

    async def _here(self, site: str, found: Iterable[Document]) -> dict[int, set[int]]:
        """Return the slots of present devices by subject, for the subjects that the site still looks after (`retired`
        people are left out)."""
        asked = sorted({str(one["subject"]) for one in found})
        with mapped():
            people = await self._database[PEOPLE].find({"_id": {"$in": asked}}, {
                "subject": 1, "site": 1, "profile.retired": 1, "profile.devices.slot": 1}).to_list(None)
        return {one["subject"]: {device["slot"] for device in profile.get("devices") or ()}
                for one in people if (profile := one.get("profile")) is not None and one["site"] == site
                and profile.get("retired") is not True}

    def close(self) -> None:
        self._connection.close()


def _plain(entry: Document | None) -> Document | None:
    return None if entry is None else {name: value for name, value in entry.items() if name != "ver"}


def _clock(minute: int | None) -> str | None:
    return None if minute is None else format_clock(minute)


def _wake_up(state: Document) -> Document:
    figures = state.get("c") or {}
    return {"woke": _clock(figures.get("woke")), "woke_before": _clock(figures.get("woke_before")),
            "later_min": figures.get("later_min"), "of_mornings": figures.get("mornings", 0)}


def _is_later(state: Document, at_least_min: int) -> bool:
    figures = state.get("c") or {}
    return figures.get("later_min") is not None and figures["later_min"] >= at_least_min and \
        bool(figures["mornings_before"] >= MORNINGS_BEFORE)


def _fails(device: Document) -> bool:
    figures = device.get("c") or {}
    return any(figures.get(name) is not None and figures[name] <= limit for name, limit in _FAILING)


def _trend(device: Document) -> Document:
    figures = device.get("c") or {}
    left = figures.get("days_left")
    return {"battery_pct": figures.get("battery_pct"), "signal_dbm": figures.get("signal_dbm"),
            **{name: None if figures.get(name) is None else round(figures[name], 1)
               for name in ("battery_a_week", "signal_a_week")},
            "days_left": None if left is None else max(0, int(left))}


def _risk(row: Document) -> tuple[float, float, int]:
    """Sort key: the device whose battery is empty first comes first; then the weaker signal."""
    left = row["days_left"] if row["days_left"] is not None else \
        0 if row["battery_pct"] is not None and row["battery_pct"] <= FAILING_BATTERY_PCT else 1e9
    return left, row["signal_dbm"] if row["signal_dbm"] is not None else 0, row["subject"]


def _monday(period: str) -> date:
    return date.fromisoformat(f"{period}-1")


def _check_week(period: str) -> None:
    if _monday(period).year < 1970:  # before any time that Anbu knows, and too early to look back from
        raise ValueError(period)


def _week(period: str, bucket: Document | None, results: Mapping[str, str]) -> Document:
    figures: Document = bucket["c"] if bucket is not None else {"n": 0, "late": 0}
    woke: dict[str, str] = {}  # by date; a date has two places if the person moved to another site
    for one in figures.get("days", ()):
        if one["woke"] is not None:
            day = day_of_place(one["place"]).day
            woke[day] = min(woke.get(day, one["woke"]), one["woke"])
    return {"week": period, "reports": figures["n"], "late": figures.get("late"), "last": figures.get("last"),
            "battery_min": figures.get("battery_min"), "signal_min": figures.get("signal_min"),
            "woke": median_low(woke.values()) if woke else None, "results": dict(results)}


def _period(day: str, by: str) -> str:
    if by == "month":
        return day[:7]
    if by == "week":
        return week_of(date.fromisoformat(day))
    return day


def _sum(period: str, site: str, days: list[Document]) -> Document:
    checkins: dict[str, Counter[str]] = {half: Counter() for half in HALVES}
    alerts, sms = Counter[str](), Counter[str]()
    for one in days:
        for half in HALVES:
            checkins[half].update(one["checkins"][half])
        alerts.update(one["alerts"])
        sms.update(one.get("sms") or {})
    woke = sorted(one["woke"] for one in days if one.get("woke") is not None)
    return {"period": period, "site": site, "days": len(days),
            "checkins": {half: dict(sorted(ones.items())) for half, ones in checkins.items()},
            "alerts": dict(sorted(alerts.items())), "woke": median_low(woke) if woke else None,
            "sms": sms["n"], "sms_late": sms["late"],
            "late_share": round(sms["late"] / sms["n"], 4) if sms["n"] else None}


def _alert(document: Document) -> Document:
    return {name: document.get(name) for name in _ALERT}
