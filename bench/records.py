"""`record` beside a raw `bulk_write` of the same documents, and the questions after years of data.

Raw is the least that anybody could do: the finished documents, replaced by _id, in bulks of the same size, as durable.
`record` reads the records, merges them, and lets the database decide and compute. Both run in turns, on one database.
"""

import asyncio
import math
import random
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import bson
import orjson
from pymongo import ReplaceOne

from agents.record import RecordAgent
from bench.figures import Figure, Progress, checked
from models.outputs import Output, Record
from models.times import format_time
from stores.bulk import AT_ONCE
from stores.collections import ALERTS, BUCKETS, CHECKINS, DAYS, DEVICES, PERSONAL, STATES
from stores.connection import Document
from stores.embedded import embedded_database_command
from stores.history import changes_of
from stores.local_mongodb import initiate, mongod_command
from stores.mongo import Store
from stores.operations import Change, merged
from stores.questions import Questions
from stores.retention import LONGEST
from streams.embedded import ChildService, free_port

SITE: Final = "jongno"
MONDAY: Final = date(2023, 11, 27)
BATCH: Final = 1000
ASKED: Final = 500
RECORDED: Final = 5  # people
_PATIENCE_MS: Final = 600_000  # a bulk that is given up and sent again would be there twice
HISTORY: Final = (BUCKETS, STATES, DEVICES, CHECKINS, ALERTS, DAYS)
_KEPT: Final = dict.fromkeys(HISTORY, LONGEST)


@contextmanager
def database(url: str | None, *, mongodb: bool = False) -> Iterator[str]:
    """A database of its own name, at the URL that is given, or in a server that is started here: the embedded one, or
    MongoDB."""
    name = f"/bench_{uuid.uuid4().hex[:8]}"
    if url is not None:
        yield urlunsplit(urlsplit(url)._replace(path=name))
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = (mongod_command if mongodb else embedded_database_command)(Path(folder) / "data", port)
        with ChildService(command, port, Path(folder) / "log") as service:
            if mongodb:
                initiate(service.address)
            yield f"mongodb://{service.address}{name}"


def day_of(people: int, number: int, dice: random.Random) -> list[Record]:
    """Three reports, two check-ins and now and then an alert of each person, on one day."""
    day, found = MONDAY + timedelta(days=number), list[Record]()
    for subject in range(people):
        for part, (hour, half) in enumerate(((6, "morning"), (12, None), (14, "afternoon"))):
            at = int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) + dice.randrange(3600)
            found.append(_record("reports", subject, _report(subject, 3 * number + part, day, half, at, dice)))
            if half is not None:
                found.append(_record("reports", subject, {
                    "type": "checkin", "id": f"{day}:{half}#1", "subject": subject, "site": SITE, "at": format_time(at),
                    "window": f"{day}:{half}", "result": "awake", "previous": None, "repaired": False}))
        if dice.random() < 0.03:
            found.append(_record("alerts", subject, _alert(subject, number, day)))
    return found


def _record(topic: str, subject: int, value: dict[str, Any]) -> Record:
    return Record(topic, 0, 0, b"%d" % subject, orjson.dumps(value))


def _report(subject: int, counter: int, day: date, half: str | None, at: int, dice: random.Random) -> dict[str, Any]:
    return {"type": "report", "id": f"0.1.{counter}", "subject": subject, "site": SITE, "device_time": format_time(at),
            "received_at": format_time(at + dice.randrange(60)), "late": False,
            "window": None if half is None else f"{day}:{half}", "result": "awake",
            "battery_pct": max(1, 100 - counter % 300 // 3), "signal_dbm": -80 - dice.randrange(20), "temp_c": 21,
            "humidity_pct": 40, "idle_min": 5, "first_activity": f"06:{dice.randrange(60):02d}",
            "activity": [dice.randrange(16) for _ in range(24)], "flags": ["awake"], "attrs": [],
            "sms": {"id": f"{subject}-{counter}", "gateway": "seoul-1"}}


def _alert(subject: int, number: int, day: date) -> dict[str, Any]:
    alert = f"{subject}:low_battery:0.1.{number}"
    return {"subject": str(subject), "data": {
        "alert": alert, "revision": 1, "change": "opened", "kind": "low_battery", "severity": "maintenance",
        "active": False, "acknowledged_by": None, "assignee": None, "site": SITE, "window": None,
        "opened_at": f"{day}T00:00:00Z", "changed_at": f"{day}T00:00:00Z", "why": {"ko": "배터리", "en": "battery"}}}


async def _writing(url: str, people: int, days: int) -> list[Figure]:
    """The same records by `record` and as finished documents, in turns by batch."""
    with closing(Store(url, _KEPT)) as store, closing(Store(f"{url}_raw", _KEPT)) as raw:
        return await _turns(store, raw, people, days)


async def _turns(store: Store, raw: Store, people: int, days: int) -> list[Figure]:
    dice, seconds, events = random.Random(1), {"record": 0.0, "raw": 0.0}, 0
    refused: list[Output] = []

    async def quarantine(outputs: list[Output]) -> None:
        refused.extend(outputs)

    agent = RecordAgent(store, quarantine)
    await agent.prepare()
    await raw.prepare()
    for number in range(days):
        records = day_of(people, number, dice)
        for start in range(0, len(records), BATCH):
            batch: Any = records[start:start + BATCH]
            began = time.perf_counter()
            await agent.handle(batch)
            await store.refresh_days(time.time())  # those whose time has come, as the worker does beside it
            seconds["record"] += time.perf_counter() - began
            finished = await _finished(store, batch)
            began = time.perf_counter()
            for name, ones in finished.items():
                for first in range(0, len(ones), AT_ONCE):
                    await raw.database[name].bulk_write(
                        [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in ones[first:first + AT_ONCE]],
                        ordered=False)
            seconds["raw"] += time.perf_counter() - began
            events += len(batch)
    began = time.perf_counter()
    while await store.refresh_days(math.inf):
        pass
    seconds["record"] += time.perf_counter() - began
    checked(not refused, f"{len(refused)} records were refused")
    checked(await store.database[CHECKINS].count_documents({}) == people * days * 2, "check-ins are missing")
    return [Figure("records", "events_per_second", events / seconds["record"]),
            Figure("records", "events_per_second_raw", events / seconds["raw"]),
            Figure("records", "ratio_to_raw", seconds["raw"] / seconds["record"], 0.7)]


async def _finished(store: Store, batch: list[Record]) -> dict[str, list[dict[str, Any]]]:
    """The documents of a batch as they are now."""
    ids: dict[str, list[str]] = {}
    for change in merged([one for record in batch for one in changes_of(record)]):
        ids.setdefault(change.collection, []).append(change.id)
    return {name: await store.database[name].find({"_id": {"$in": ones}}).to_list(None) for name, ones in ids.items()}


async def _load(url: str, people: int, weeks: int) -> None:
    """Years of history: of some people as `record` leaves it, a week at a time; all others have lived as one of these.

    Figures of days are those of the some: their documents are not larger for more people.
    """
    with closing(Store(url, _KEPT, socket_ms=_PATIENCE_MS)) as store:
        dice, some = random.Random(2), min(people, RECORDED)
        await store.prepare()
        await store.apply([change for subject in range(some) for change in changes_of(Record(
            "registry", 0, 1, b"%d" % subject, orjson.dumps({
                "subject": subject, "site": SITE, "gateway": "seoul-1", "tz": "Asia/Seoul",
                "since": "2020-01-01T00:00:00Z"})))])
        progress = Progress("weeks recorded", weeks)
        for week in range(weeks):
            changes: list[Change] = []
            for number in range(7 * week, 7 * week + 7):
                changes += [one for record in day_of(some, number, dice) for one in changes_of(record)]
            together = merged(changes)
            await store.apply(together)
            await store.mark_days(together, time.time())
            progress.add()
        progress = Progress("figures of days made", 7 * weeks)
        while made := await store.refresh_days(math.inf):
            progress.add(made)
        lived = {name: await store.database[name].find({"subject": {"$in": list(range(some))}}).to_list(None)
                 for name in PERSONAL}
        progress = Progress("people loaded", people)
        progress.add(some)
        for first in range(some, people, some):
            await _live_as_others(store, lived, first, min(some, people - first))
            progress.add(min(some, people - first))


async def _live_as_others(store: Store, lived: Mapping[str, list[Document]], first: int, count: int) -> None:
    """Give people from a number on the documents of the first people, by collection."""
    for name, documents in lived.items():
        ones = [_of_another(name, one, first) for one in documents if one["subject"] < count]
        for start in range(0, len(ones), AT_ONCE):
            await store.database[name].insert_many(ones[start:start + AT_ONCE], ordered=False,
                                                   bypass_document_validation=True)  # as they were valid once


def _of_another(name: str, document: Document, first: int) -> Document:
    subject = document["subject"] + first
    key = f"{subject}{document['_id'].removeprefix(str(document['subject']))}"
    return {**document, "_id": key, "subject": subject, **({"alert": key} if name == ALERTS else {})}


async def _asking(url: str, people: int, weeks: int) -> list[Figure]:
    with closing(Questions(url, lambda: MONDAY + timedelta(days=7 * weeks))) as questions:
        return await _times(questions, people, weeks)


async def _times(questions: Questions, people: int, weeks: int) -> list[Figure]:
    dice = random.Random(3)
    last = MONDAY + timedelta(days=7 * weeks)
    month = last - timedelta(days=30)

    def someone() -> int:
        return dice.randrange(people)

    asked: dict[str, tuple[float, Callable[[], Awaitable[Any]]]] = {
        "person_state": (50, lambda: questions.state(someone())),
        "person_weeks": (50, lambda: questions.weeks(someone(), None, 12)),
        "person_wake_up": (50, lambda: questions.wake_up(someone())),
        "person_alerts": (50, lambda: questions.alerts({"subject": someone()}, None, None, None, 50)),
        "site_later": (200, lambda: questions.later(SITE)),
        "site_failing": (200, lambda: questions.failing(SITE)),
        "site_day": (200, lambda: questions.figures(SITE, last, last, "day")),
        "site_month": (200, lambda: questions.figures(SITE, month, last, "month")),
        "site_year_by_weeks": (200, lambda: questions.figures(SITE, last - timedelta(days=365), last, "week")),
        "site_alerts": (200, lambda: questions.alerts({"site": SITE}, None, None, None, 100))}
    found = []
    for name, (aim, ask) in asked.items():
        times = []
        for _ in range(ASKED):
            began = time.perf_counter()
            checked(await ask() is not None, f"{name} has no answer")
            times.append((time.perf_counter() - began) * 1000)
        found += [Figure("records", f"{name}_p50_ms", median(times)),
                  Figure("records", f"{name}_p99_ms", quantiles(times, n=100)[98], aim, at_most=True)]
    return found


async def _octets(url: str, people: int, weeks: int) -> Figure:
    """Of the documents of a person and year as BSON; a database that compresses needs less."""
    total = 0
    with closing(Store(url)) as store:
        for name in (BUCKETS, STATES, DEVICES, CHECKINS, ALERTS):
            async for one in store.database[name].find({"subject": 0}):
                total += len(bson.encode(one))
    checked(total > 0 and people > 0, "nothing was loaded")
    return Figure("records", "bytes_a_person_a_year", total / weeks * 52)


def records(url: str | None, people: int, years: float, days: int, *, mongodb: bool = False) -> list[Figure]:
    """All of it, as `database` has it. Raises WrongResultError, MongoDBMissingError."""
    async def run(there: str) -> list[Figure]:
        weeks = max(2, round(years * 52))
        found = await _writing(f"{there}_writing", people, days)
        await _load(there, people, weeks)
        return [*found, *await _asking(there, people, weeks), await _octets(there, people, weeks)]

    with database(url, mongodb=mongodb) as there:
        return asyncio.run(run(there))
