"""Records into the database and documents out of it, for tests of whatever writes history."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from cli.broker import records
from models.contract.inputs import Record
from runtime.settings import Settings
from stores.changing import ETAG
from stores.mongo import ERASING_S, Store
from stores.projection.collections import ALERTS, BUCKETS, CHECKINS, DAYS, DEVICES, INCIDENTS, PEOPLE, STATES
from stores.projection.history import changes_of
from stores.projection.operations import DocumentChange, merged
from streams.topics import ALERTS as ALERTS_TOPIC
from streams.topics import COMMANDS, REGISTRY, REPORTS
from support.expected_devices import Documents
from support.expected_history import Said

NOW = 1_795_000_000.0  # epoch seconds, of marks
INPUTS = ("alerts", "reports", "registry", "commands")
HISTORY = (PEOPLE, STATES, DEVICES, BUCKETS, CHECKINS, ALERTS, INCIDENTS, DAYS)


def record_of(said: Said) -> Record:
    return Record(said.topic, 0, said.offset, None if said.key is None else said.key.encode(),
                  None if said.value is None else orjson.dumps(said.value))


def changes(batch: Iterable[Said]) -> list[DocumentChange]:
    return merged([change for said in batch for change in changes_of(record_of(said))])


async def record(store: Store, batch: Sequence[Said]) -> None:
    """As the agent writes a batch; figures of days are marked, and stay as they are."""
    found = changes(batch)
    await store.apply(found)
    await store.mark_days(found, NOW)


async def record_topics(store: Store, settings: Settings) -> None:
    """Write all that the topics hold, as the agent does, and all that comes of it."""
    found = merged([change for topic in (REGISTRY, COMMANDS, ALERTS_TOPIC, REPORTS)
                    async for polled in records(topic, settings) for one in polled.records
                    for change in changes_of(Record(topic, one.partition, one.offset, one.key, one.value))])
    await store.apply(found)
    await store.mark_days(found, NOW)
    await settle(store)


async def settle(store: Store) -> None:
    """Make all marked figures of days anew, as some worker does sooner or later; whoever has claimed them is dead."""
    now = NOW
    while await store.database[DAYS].find_one({"stale": {"$exists": True}}, {"_id": 1}):
        now += ERASING_S
        await store.refresh_days(now)


async def write(store: Store, batch: Sequence[Said]) -> None:
    """As the agent writes a batch, and all that comes of it."""
    await record(store, batch)
    await settle(store)


async def documents(store: Store) -> Documents:
    """All of history by collection and _id, without `dated`, etags and who people are, which no record says."""
    found: Documents = {}
    for name in HISTORY:
        ones: dict[str, dict[str, Any]] = {}
        async for one in store.database[name].find():
            one.pop("dated", None)
            one.pop("contact", None)
            one.pop(ETAG, None)
            ones[one.pop("_id")] = one
        if ones:
            found[name] = ones
    return found


async def clear(store: Store) -> None:
    for name in HISTORY:
        await store.database[name].delete_many({})


def said_of(inputs: Iterable[dict[str, Any]], outputs: Iterable[dict[str, Any]]) -> list[Said]:
    """Of what went into `anbu replay` and came out of it, all that history is made of: what is not malformed."""
    outputs = list(outputs)
    malformed = {(origin["topic"], origin["offset"]) for origin in (
        line["value"]["origin"] for line in outputs
        if line["topic"] == "quarantine" and line["value"]["reason"] == "malformed")}
    found, counts = [], Counter[str]()
    for line in [*inputs, *outputs]:
        topic = line["topic"]
        if topic in INPUTS and (topic, counts[topic]) not in malformed:
            found.append(Said(topic, counts[topic], line.get("key"), line.get("value")))
        counts[topic] += 1
    return found
