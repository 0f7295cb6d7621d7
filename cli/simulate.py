"""`anbu simulate`: a fleet of homes into a file, Kafka or a gateway."""

import asyncio
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click
import httpx
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.broker import Message, broker_settings, publish, sending
from cli.options import settings
from cli.post import post
from gateway.publisher import key_of
from gateway.sms import InboundSms
from models.times import format_time, parse_time
from simulator.fleet import GATEWAY, SCENARIOS, Fleet
from streams.kafka import kafka_options, stop_consumer
from streams.partition import partition_of_key
from streams.settings import Settings
from streams.topics import REGISTRY

TICK_S: Final = 60
AT_ONCE: Final = 32  # requests to a gateway, or records to the broker, that wait for their answers together
WORKER_PATIENCE_S: Final = 20.0


def lines(fleet: Fleet) -> Iterator[dict[str, Any]]:
    """The fleet's days as `anbu replay` reads them: registry first, then all in order of time, a tick a minute."""
    for profile in fleet.registry():
        yield {"topic": REGISTRY, "value": profile}
    events: list[tuple[int, int, dict[str, Any]]] = [
        (parse_time(command["at"], "at"), 0, {"topic": "commands", "value": command}) for command in fleet.commands()]
    events += [(one.at, 1, {"topic": "sms", "value": {
        "type": "sms", "gateway": GATEWAY, "id": one.id, "sender": one.sender, "recipient": one.recipient,
        "text": one.text, "binary": None, "received_at": format_time(one.at)}}) for one in fleet.deliveries()]
    events += [(at, 2, {"topic": "sms", "value": {"type": "tick", "source": "gateway", "gateway": GATEWAY,
                                                  "at": format_time(at)}})
               for at in range(fleet.begin, fleet.end + 1, TICK_S)]
    for _, _, line in sorted(events, key=lambda event: event[:2]):
        yield line


@click.command()
@click.option("--subjects", default=400, show_default=True, type=click.IntRange(1, 1_000_000), help="Homes.")
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 366), help="Days to live through.")
@click.option("--start", default="2026-11-24", show_default=True, type=click.DateTime(["%Y-%m-%d"]), help="First day.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same octets.")
@click.option("--scenario", default="usual", show_default=True, type=click.Choice(SCENARIOS),
              help="outage: nothing arrives for a morning; storm: all report in the same two minutes.")
@click.option("--to", "target", required=True, metavar="file:PATH|kafka|http://…", help="Where the fleet reports to.")
@click.option("--truth", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="Write what is true here.")
@click.option("--kek", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="Write the fleet's key-encryption keys here, for ANBU_KEK_FILE.")
def simulate(*, subjects: int, days: int, start: datetime, seed: int, scenario: str, target: str, truth: Path | None,
             kek: Path | None) -> None:
    """Let a fleet of homes report.

    \b
    file:PATH  what `anbu replay` reads
    kafka      registry, commands, SMS and ticks of the simulated days, as fast as the broker takes them; a worker
               should be running, with the fleet's keys (--kek)
    http://…   the SMS alone, to a gateway, which stamps them as they arrive; needs ANBU_GATEWAY_SECRET

    `anbu score` compares what came of it with the truth.
    """
    fleet = Fleet(subjects, days, date(start.year, start.month, start.day), seed, scenario)
    if truth is not None:
        truth.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in fleet.truth().lines()))
    if kek is not None:
        kek.write_bytes(orjson.dumps(fleet.keks()))
    if target.startswith("file:"):
        count = _to_file(fleet, Path(target.removeprefix("file:")))
    elif target == "kafka":
        with broker_settings() as found:
            count = asyncio.run(_to_kafka(fleet, found))
    elif target.startswith(("http://", "https://")):
        with settings() as found:
            count = asyncio.run(_to_gateway(fleet, target, found))
    else:
        raise click.UsageError(f"--to {target}: say file:PATH, kafka, or the http:// address of a gateway")
    click.echo(f"{count} records", err=True)


def _to_file(fleet: Fleet, path: Path) -> int:
    count = 0
    try:
        with path.open("wb") as file:
            for line in lines(fleet):
                file.write(orjson.dumps(line) + b"\n")
                count += 1
    except OSError as error:
        raise click.UsageError(f"--to file:{path}: {error.strerror}") from None
    return count


async def _to_kafka(fleet: Fleet, found: Settings) -> int:
    """In order, each record after those before it in its lane."""
    days = [line for line in lines(fleet) if line["topic"] != REGISTRY]
    await publish([Message(REGISTRY, profile["subject"], profile) for profile in fleet.registry()], found)
    if not await _registry_is_read(found):
        click.echo("no worker has read the registry yet: one that starts later may meet SMS of people it does not "
                   "know", err=True)
    async with sending(found) as sender:
        waiting = []
        for line in days:
            value, octets = line["value"], orjson.dumps(line["value"])
            if value.get("type") == "tick":
                waiting += [await sender.send(line["topic"], octets, partition=number)
                            for number in range(found.partitions)]
            else:
                key = _key(value)
                waiting.append(await sender.send(line["topic"], octets, key=key,
                                                 partition=partition_of_key(key, found.partitions)))
            if len(waiting) >= AT_ONCE:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)
    return len(days) + len(fleet.homes)


def _key(value: dict[str, Any]) -> bytes:
    """Of a command its subject; of an SMS what a gateway reads of its frame: ticks are true in the right lane alone."""
    if "subject" in value:
        return b"%d" % value["subject"]
    return key_of(InboundSms(value["id"], value["sender"], value["recipient"], value["text"], None)) or b""


async def _registry_is_read(found: Settings) -> bool:
    """Wait until the workers' group has passed the present end of the registry; False where it does not in time."""
    consumer = AIOKafkaConsumer(**kafka_options(found), group_id=found.app_id, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(REGISTRY, number) for number in range(found.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        deadline = time.monotonic() + WORKER_PATIENCE_S
        while time.monotonic() < deadline:
            if all([(await consumer.committed(place) or 0) >= ends[place] for place in places]):
                return True
            await asyncio.sleep(0.2)
    finally:
        await stop_consumer(consumer)
    return False


async def _to_gateway(fleet: Fleet, address: str, found: Settings) -> int:
    deliveries = fleet.deliveries()
    async with httpx.AsyncClient(timeout=30) as http:
        for first in range(0, len(deliveries), AT_ONCE):
            await asyncio.gather(*[
                post(http, address, orjson.dumps({"id": one.id, "sender": one.sender, "recipient": one.recipient,
                                                  "text": one.text}), found, time.time)
                for one in deliveries[first:first + AT_ONCE]])
    return len(deliveries)
