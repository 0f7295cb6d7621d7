"""`record` beside a raw `bulk_write` of the same documents, and the questions after years of data.

Raw is the least possible work: the finished documents, replaced by _id, in bulks of the same size, as durable. `record`
reads the records and the stored documents, and writes the differences. Both run in turns, on one database server.
"""

import asyncio
import math
import random
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import bson
from pymongo import ReplaceOne

from agents.record import RecordAgent
from bench.figures import Figure, checked
from bench.lives import KEPT, MONDAY, SITE, day_of, load
from local.embedded import ChildService, free_port
from local.mongodb import initiate, mongod_command
from models.contract.documents import Output
from models.contract.inputs import Record
from stores.bulk import AT_ONCE
from stores.embedded import embedded_database_command
from stores.mongo import Store
from stores.projection.collections import ALERTS, BUCKETS, CHECKINS, DEVICES, STATES
from stores.projection.history import changes_of
from stores.projection.operations import merged
from stores.questions import Questions

BATCH: Final = 1000
ASKED: Final = 500
WRITING: Final = "_writing"  # ends of the names of databases
RAW: Final = "_raw"


@contextmanager
def database(url: str | None, *, mongodb: bool = False) -> Iterator[str]:
    """A database with a name of its own: at the given URL (removed afterwards), or in a server that starts here, either
    the embedded database or MongoDB."""
    name = f"/bench_{uuid.uuid4().hex[:8]}"
    if url is not None:
        there = urlunsplit(urlsplit(url)._replace(path=name))
        try:
            yield there
        finally:
            asyncio.run(_drop([there, _beside(there, WRITING), _beside(there, WRITING + RAW)]))
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = (mongod_command if mongodb else embedded_database_command)(Path(folder) / "data", port)
        with ChildService(command, port, Path(folder) / "log") as service:
            if mongodb:
                initiate(service.address)
            yield f"mongodb://{service.address}{name}"


def _beside(url: str, end: str) -> str:
    """The URL of the database whose name has `end` appended."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path + end))


async def _drop(urls: list[str]) -> None:
    for url in urls:
        with closing(Store(url)) as store:
            await store.database.client.drop_database(store.database.name)


async def _writing(url: str, people: int, days: int) -> list[Figure]:
    """Write the same records by `record` and as finished documents, in turns by batch."""
    with closing(Store(url, KEPT)) as store, closing(Store(_beside(url, RAW), KEPT)) as raw:
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
            await store.refresh_days(time.time())  # the figures that are due, as the worker does
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
    """The documents of a batch as they are now, by collection."""
    ids: dict[str, list[str]] = {}
    for change in merged([one for record in batch for one in changes_of(record)]):
        ids.setdefault(change.collection, []).append(change.id)
    return {name: await store.database[name].find({"_id": {"$in": ones}}).to_list(None) for name, ones in ids.items()}


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
    """Octets of a person's documents of a year, as BSON; a database that compresses needs less."""
    total = 0
    with closing(Store(url)) as store:
        for name in (BUCKETS, STATES, DEVICES, CHECKINS, ALERTS):
            async for one in store.database[name].find({"subject": 0}):
                total += len(bson.encode(one))
    checked(total > 0 and people > 0, "nothing was loaded")
    return Figure("records", "bytes_a_person_a_year", total / weeks * 52)


def records(url: str | None, people: int, years: float, days: int, *, mongodb: bool = False) -> list[Figure]:
    """All figures, measured on a database of `database`. Raises WrongResultError, MongoDBMissingError."""
    async def run(there: str) -> list[Figure]:
        weeks = max(2, round(years * 52))
        found = await _writing(_beside(there, WRITING), people, days)
        await load(there, people, weeks)
        return [*found, *await _asking(there, people, weeks), await _octets(there, people, weeks)]

    with database(url, mongodb=mongodb) as there:
        return asyncio.run(run(there))
