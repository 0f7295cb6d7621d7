"""The benchmark of `record` needs people: this module makes one day of them, and years of history in a database."""

import math
import random
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import orjson

from bench.figures import ProgressLine
from models.contract.inputs import Record
from models.times import format_time
from stores.bulk import AT_ONCE
from stores.mongo import Store
from stores.projection.collections import ALERTS, BUCKETS, CHECKINS, DAYS, DEVICES, PERSONAL, STATES
from stores.projection.document import Document
from stores.projection.history import changes_of
from stores.projection.operations import DocumentChange, merged
from stores.retention import LONGEST

SITE: Final = "jongno"
MONDAY: Final = date(2023, 11, 27)
RECORDED: Final = 5  # people
HISTORY: Final = (BUCKETS, STATES, DEVICES, CHECKINS, ALERTS, DAYS)
KEPT: Final = dict.fromkeys(HISTORY, LONGEST)
_PATIENCE_MS: Final = 600_000  # a bulk that times out and is sent again would be there twice


def day_of(people: int, number: int, dice: random.Random) -> list[Record]:
    """Three reports and two check-ins of each person on one day, and an alert with a chance of 3 %."""
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
    # A battery lasts a hundred days, and the batteries are not all empty at once.
    return {"type": "report", "id": f"0.1.{counter}", "subject": subject, "site": SITE, "device_time": format_time(at),
            "received_at": format_time(at + dice.randrange(60)), "late": False,
            "window": None if half is None else f"{day}:{half}", "result": "awake",
            "battery_pct": max(1, 100 - (counter + 60 * subject) % 300 // 3), "signal_dbm": -80 - dice.randrange(20),
            "temp_c": 21, "humidity_pct": 40, "idle_min": 5, "first_activity": f"06:{dice.randrange(60):02d}",
            "activity": [dice.randrange(16) for _ in range(24)], "flags": ["awake"], "attrs": [],
            "sms": {"id": f"{subject}-{counter}", "gateway": "seoul-1"}}


def _alert(subject: int, number: int, day: date) -> dict[str, Any]:
    alert = f"{subject}:low_battery:0.1.{number}"
    return {"subject": str(subject), "data": {
        "alert": alert, "revision": 1, "change": "opened", "kind": "low_battery", "severity": "maintenance",
        "active": False, "acknowledged_by": None, "assignee": None, "site": SITE, "window": None,
        "opened_at": f"{day}T00:00:00Z", "changed_at": f"{day}T00:00:00Z", "why": {"ko": "배터리", "en": "battery"}}}


async def load(url: str, people: int, weeks: int) -> None:
    """Load years of history. `record`'s code writes the first RECORDED people, a week at a time; all others get copies
    of their documents.

    The figures of days count only the first people: the documents are not larger for more people.
    """
    with closing(Store(url, KEPT, socket_ms=_PATIENCE_MS)) as store:
        dice, some = random.Random(2), min(people, RECORDED)
        await store.prepare()
        await store.apply([change for subject in range(some) for change in changes_of(Record(
            "registry", 0, 1, b"%d" % subject, orjson.dumps({
                "subject": subject, "site": SITE, "gateway": "seoul-1", "tz": "Asia/Seoul",
                "since": "2020-01-01T00:00:00Z",
                "devices": [{"slot": 0, "epoch": 1, "kek": "k1", "key": "A" * 58 + "A="}]})))])
        progress = ProgressLine("weeks recorded", weeks)
        for week in range(weeks):
            changes: list[DocumentChange] = []
            for number in range(7 * week, 7 * week + 7):
                changes += [one for record in day_of(some, number, dice) for one in changes_of(record)]
            together = merged(changes)
            await store.apply(together)
            await store.mark_days(together, time.time())
            progress.add()
        progress = ProgressLine("figures of days made", 7 * weeks)
        while made := await store.refresh_days(math.inf):
            progress.add(made)
        lived = {name: await store.database[name].find({"subject": {"$in": list(range(some))}}).to_list(None)
                 for name in PERSONAL}
        progress = ProgressLine("people loaded", people)
        progress.add(some)
        for first in range(some, people, some):
            await _live_as_others(store, lived, first, min(some, people - first))
            progress.add(min(some, people - first))


async def _live_as_others(store: Store, lived: Mapping[str, list[Document]], first: int, count: int) -> None:
    """Give people from number `first` on the documents of the first people.

    lived: the documents of the first people, by collection.
    """
    for name, documents in lived.items():
        ones = [_of_another(name, one, first) for one in documents if one["subject"] < count]
        for start in range(0, len(ones), AT_ONCE):
            await store.database[name].insert_many(ones[start:start + AT_ONCE], ordered=False,
                                                   bypass_document_validation=True)  # the originals were valid


def _of_another(name: str, document: Document, first: int) -> Document:
    subject = document["subject"] + first
    key = f"{subject}{document['_id'].removeprefix(str(document['subject']))}"
    return {**document, "_id": key, "subject": subject, **({"alert": key} if name == ALERTS else {})}
