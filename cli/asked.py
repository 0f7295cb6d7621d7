"""The check of `anbu doctor` on questions to devices: of the people who were asked, how many answered."""

from collections import Counter
from typing import Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from models.asked import AskedPeople, is_too_few
from models.errors import ContractError
from models.json_object import JsonObject
from models.times import parse_time
from runtime.settings import Settings
from streams.kafka import administration, kafka_options, stop_consumer
from streams.topics import ASKS, REPORTS

MOST: Final = 300_000  # records of a day that are read here
_POLL_MS: Final = 300


async def answers(settings: Settings) -> tuple[str, str]:
    """Answers (state, detail). Raises KafkaError."""
    async with administration(settings) as admin:
        there = await admin.list_topics()
    if not {ASKS, REPORTS} <= set(there):
        return "ok", "no device was asked yet"
    consumer = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        asks = await _read(consumer, settings, ASKS, None)
        if asks is None:
            return "ok", f"more than {MOST} questions a day: the metric anbu_asked_up_total counts them"
        if not asks:
            return "ok", "no device was asked in the last day"
        begin = min(_at(one) for one in asks)
        reports = await _read(consumer, settings, REPORTS, begin, {one["subject"] for one in asks})
    finally:
        await stop_consumer(consumer)
    if reports is None:
        return "ok", f"more than {MOST} reports since the first question: the metric anbu_asked_up_total counts them"
    return finding([*asks, *reports])


def finding(records: list[JsonObject]) -> tuple[str, str]:
    """The finding on records of `asks` and `reports`, in any order."""
    people, up, answered = AskedPeople(), Counter[str](), Counter[str]()
    for record in sorted(records, key=_at):  # at one time the questions first, and then a report before its check-in
        found = people.take(record)
        if found is not None:
            up[found.gateway] += 1
            answered[found.gateway] += found.answered
    few = [gateway for gateway in sorted(up) if is_too_few(up[gateway], answered[gateway])]
    if few:
        said = "; ".join(f"{gateway}: {answered[gateway]} of {up[gateway]}" for gateway in few)
        return "warning", (f"few devices of people who were up had answered ({said}), so more alerts are false: see "
                           "docs/runbooks/AnbuDevicesDoNotAnswer.md")
    return "ok", f"{answered.total()} of {up.total()} people who were asked and up had answered"


async def _read(consumer: AIOKafkaConsumer, settings: Settings, topic: str, since: int | None,
                subjects: set[int] | None = None) -> list[JsonObject] | None:
    """The records of a topic from a time on, of these subjects; None: there are too many."""
    places = [TopicPartition(topic, number) for number in range(settings.partitions)]
    consumer.assign(places)
    begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    if since is not None:
        found = await consumer.offsets_for_times(dict.fromkeys(places, since * 1000))
        begins = {place: ends[place] if found[place] is None else found[place].offset for place in places}
    if sum(ends[place] - begins[place] for place in places) > MOST:
        return None
    keys = None if subjects is None else {b"%d" % subject for subject in subjects}
    records: list[JsonObject] = []
    for place in places:
        consumer.seek(place, begins[place])
    while not all([await consumer.position(place) >= ends[place] for place in places]):
        for polled in (await consumer.getmany(*places, timeout_ms=_POLL_MS)).values():
            records += [value for record in polled if keys is None or record.key in keys
                        if (value := _value(record.value)) is not None]
    return records


def _value(octets: bytes | None) -> JsonObject | None:
    """A record with a time; None: another one, or one that cannot be read."""
    try:
        value = orjson.loads(octets or b"")
        _at(value)
    except (ValueError, TypeError, KeyError, AttributeError, ContractError):
        return None
    return value if isinstance(value, dict) else None


def _at(value: JsonObject) -> int:
    return parse_time(value["received_at" if value.get("type") == "report" else "at"], "at")
