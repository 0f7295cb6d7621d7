"""`anbu quarantine`: lists the records that could not be processed, and drives them again once the cause is fixed.

Driving again writes the original octets into the lane of their origin. Each record is driven once: for each reason, a
consumer group commits its position. After a crash some records may be driven twice, which changes nothing: a frame is a
duplicate, a command has its id. A record that fails again becomes a new quarantine record.
"""

import asyncio
import contextlib
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

import click
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.broker import Writable, broker_settings, records, write
from models.contract.outputs import CLOUDEVENT
from models.contract.records import read_time
from models.errors import RejectReason
from models.json_object import JsonObject
from models.judgement.rules.checkins import LATE_DAYS
from models.times import DAY
from runtime.clock import clock_of
from runtime.settings import Settings
from streams.kafka import kafka_options, stop_consumer
from streams.topics import ALERTS, COMMANDS, QUARANTINE, REPORTS, SMS

# A registry record is a whole profile: an old profile would replace a newer one. A tick states that all records before
# it have arrived, which is true only at its place in the topic.
DRIVEN: Final = (SMS, COMMANDS, ALERTS, REPORTS)

reason_option = click.option("--reason", type=click.Choice([one.value for one in RejectReason]),
                             help="Only records rejected for this reason.")


class Quarantined(NamedTuple):
    """A record in quarantine, and its place there. document: as in the contract."""

    partition: int
    offset: int
    key: bytes | None
    document: JsonObject

    @property
    def reason(self) -> str:
        return str(self.document["reason"])

    @property
    def origin(self) -> str:
        origin = self.document["origin"]
        return f"{origin['topic']}/{origin['partition']}/{origin['offset']}"


def original_octets(original: object) -> bytes | None:
    """The octets of the record. {"raw": base64} stands for octets that are not JSON; no producer sends it."""
    if original is None:
        return None
    raw = original.get("raw") if isinstance(original, dict) and len(original) == 1 else None
    if isinstance(raw, str):
        with contextlib.suppress(ValueError):
            return b64decode(raw, validate=True)
    return orjson.dumps(original)


def is_driven(one: Quarantined, earliest: float) -> bool:
    """Whether it may be driven again: see DRIVEN and LATE_DAYS."""
    original = one.document["original"]
    document = original if isinstance(original, dict) else {}
    received_at = read_time(document, "received_at")
    return (original is not None and one.document["origin"]["topic"] in DRIVEN and document.get("type") != "tick"
            and (received_at is None or received_at >= earliest))


async def _read(settings: Settings, reason: str | None) -> list[Quarantined]:
    read = [Quarantined(record.partition, record.offset, record.key, orjson.loads(record.value))
            async for polled in records(QUARANTINE, settings) for record in polled.records]
    return [one for one in read if reason in (None, one.reason)]


class _Memory:
    """The position up to which the records of a reason were driven again: the committed offsets of their group."""

    def __init__(self, settings: Settings, reason: str) -> None:
        self._places = [TopicPartition(QUARANTINE, number) for number in range(settings.partitions)]
        self._consumer = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False,
                                          group_id=f"{settings.app_id}-redrive-{reason}")

    async def __aenter__(self) -> "_Memory":
        await self._consumer.start()
        self._consumer.assign(self._places)
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_consumer(self._consumer)

    async def recall(self) -> dict[int, int]:
        """The first offset of each partition that was not driven yet."""
        return {place.partition: await self._consumer.committed(place) or 0 for place in self._places}

    async def keep(self, done: Iterable[Quarantined]) -> None:
        ends = {TopicPartition(QUARANTINE, one.partition): one.offset + 1 for one in done}
        if ends:
            await self._consumer.commit(ends)


async def _redrive(settings: Settings, reason: str | None, *, again: bool, dry_run: bool) -> Counter[str]:
    """The number of records driven again, by reason."""
    driven: Counter[str] = Counter()
    earliest = clock_of(settings.clock_file).now() - LATE_DAYS * DAY
    waiting = [one for one in await _read(settings, reason) if is_driven(one, earliest)]
    for name in sorted({one.reason for one in waiting}):
        async with _Memory(settings, name) as memory:
            first = {} if again else await memory.recall()
            mine = [one for one in waiting if one.reason == name and one.offset >= first.get(one.partition, 0)]
            driven[name] = len(mine)
            if not dry_run:
                await write((_as_it_was(one) for one in mine), settings)
                await memory.keep(mine)
    return driven


def _as_it_was(one: Quarantined) -> Writable:
    origin = one.document["origin"]
    return Writable(origin["topic"], origin["partition"], one.key, original_octets(one.document["original"]),
                    CLOUDEVENT if origin["topic"] == ALERTS else ())


@click.group()
def quarantine() -> None:
    """List the records that could not be processed, and send them to the judgement again."""


@quarantine.command("list")
@reason_option
@click.option("--json", "as_json", is_flag=True, help="Print the records unchanged, one a line, with personal data.")
def list_(*, reason: str | None, as_json: bool) -> None:
    """Print the records in quarantine: time, reason, and origin (topic/partition/offset).

    The table has no personal data; --json prints the original records. Setting: ANBU_KAFKA.
    """
    with broker_settings() as settings:
        read = asyncio.run(_read(settings, reason))
    if as_json:
        for one in read:
            click.echo(orjson.dumps(one.document))
        return
    for one in sorted(read, key=lambda one: one.document["at"] or ""):
        click.echo(f"{one.document['at'] or '-':<20}  {one.reason:<19}  {one.origin:<20}  {one.document['detail']}")
    counts = Counter(one.reason for one in read)
    click.echo(f"{len(read)} records" + "".join(f", {count} {name}" for name, count in counts.most_common()), err=True)


@quarantine.command()
@reason_option
@click.option("--again", is_flag=True, help="Include records that were redriven before.")
@click.option("--dry-run", is_flag=True, help="Only count the records.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts by reason as JSON.")
def redrive(*, reason: str | None, again: bool, dry_run: bool, as_json: bool) -> None:
    """Return records from quarantine to their topics, after the cause is fixed.

    Each record is judged by its time of receipt. SMS older than 8 days stay in quarantine, because the state no longer
    has their windows. Ticks stay, because they are valid only at their place in the topic. Registry records stay,
    because a newer record may exist: publish these people again with `anbu provision`. Records that were redriven
    before are left out. A record that fails again returns to quarantine. Alerts and reports that the database rejected
    reach all their readers again, with the same id and body.

    Setting: ANBU_KAFKA.
    """
    with broker_settings() as settings:
        driven = asyncio.run(_redrive(settings, reason, again=again, dry_run=dry_run))
    if as_json:
        click.echo(orjson.dumps(driven))
        return
    for name, count in driven.items():
        click.echo(f"{name:<19}  {count:>7}")
    click.echo(f"{driven.total()} records {'would be' if dry_run else 'were'} redriven")
