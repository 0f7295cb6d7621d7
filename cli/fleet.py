"""A simulated fleet through Kafka: as fast as the broker accepts its days, or by the clock, in a running system.

A fleet takes no number that the registry has under other keys: it may belong to a person. A fleet by the clock retires
its people at the end, so the system expects no report of them: its gateway falls silent, and that is no outage.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterable
from typing import Any, Final

import click
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from cli.broker import SubjectRecord, publish, sending
from cli.registry import read_profiles
from gateway.publisher import key_of
from gateway.sms import InboundSms
from models.json_object import JsonObject
from models.times import format_time, parse_time
from runtime.clock import Clock, clock_of
from runtime.settings import Settings
from simulator.fleet import Fleet
from streams.kafka import kafka_options, stop_consumer
from streams.partition import partition_of_key
from streams.topics import REGISTRY, SMS

AT_ONCE: Final = 32  # records, or requests to a gateway, in flight
WORKER_PATIENCE_S: Final = 20.0
HOUR_S: Final = 3600


async def to_kafka(fleet: Fleet, lines: Iterable[JsonObject], settings: Settings) -> int:
    """Send all records, in the order of each lane. Returns their number. Raises KafkaError, ClickException."""
    await _introduce(fleet, settings)
    count = len(fleet.homes)
    async with sending(settings) as sender:
        waiting: list[asyncio.Future[Any]] = []
        for line in lines:
            if line["topic"] == REGISTRY:
                continue
            waiting += await _send(line, sender, settings)
            count += 1
            if len(waiting) >= AT_ONCE:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)
    return count


async def live(fleet: Fleet, lines: Iterable[JsonObject], settings: Settings) -> int:
    """Send each record at its time, by the settings' clock, until the last day is over or a signal arrives.

    Reports from before the start are lost, as in a network. Returns the number of records sent. Raises KafkaError,
    ClickException.
    """
    clock, ended = clock_of(settings.clock_file), asyncio.Event()
    began = clock.now()
    if not fleet.begin <= began < fleet.end:
        raise click.UsageError(f"--start: the days of this fleet are from {format_time(fleet.begin)} to "
                               f"{format_time(fleet.end)}, and it is {format_time(int(began))}")
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await _introduce(fleet, settings)
    click.echo(f"{len(fleet.homes)} homes live until {format_time(fleet.end)}; Ctrl-C ends them earlier", err=True)
    count = len(fleet.homes)
    async with sending(settings) as sender:
        for line in lines:
            if line["topic"] == REGISTRY:
                continue
            at = _time_of(line["value"])
            if line["topic"] == SMS and at < began:
                continue
            if not await _has_come(at, clock, ended):
                break
            await asyncio.gather(*await _send(line, sender, settings))
            count += 1
            if line["value"]["type"] == "tick" and at % HOUR_S == 0:
                click.echo(f"{format_time(at)}  {count} records", err=True)
    await publish([SubjectRecord(REGISTRY, profile["subject"], {**profile, "retired": True})
                   for profile in fleet.registry()], settings)
    click.echo("the simulation is over: its people are retired", err=True)
    return count + len(fleet.homes)


def _time_of(value: JsonObject) -> int:
    """The time of an SMS, a tick or a command, in epoch seconds."""
    return parse_time(value["received_at" if value["type"] == "sms" else "at"], "at")


async def _has_come(at: int, clock: Clock, ended: asyncio.Event) -> bool:
    """Wait until `at`; False if the wait is ended earlier."""
    while not ended.is_set() and (left := at - clock.now()) > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), 0.02 if clock.virtual else min(left, 1.0))
    return not ended.is_set()


async def _introduce(fleet: Fleet, settings: Settings) -> None:
    """Publish the registry, and wait for a worker to read it. Raises ClickException, KafkaError."""
    profiles = fleet.registry()
    there = await read_profiles(settings)
    others = [one["subject"] for one in profiles if there.get(one["subject"], one)["devices"] != one["devices"]]
    if others:
        raise click.ClickException(
            f"{len(others)} numbers of this fleet, such as {others[0]}, are in the registry already, with other keys. "
            "They belong to people, or to another fleet (--seed, --subjects, --days, --start, --scenario). Their "
            "reports would become unreadable; use an empty system")
    await publish([SubjectRecord(REGISTRY, profile["subject"], profile) for profile in profiles], settings)
    if not await _registry_is_read(settings):
        click.echo("no worker has read the registry yet: a worker that starts later may read SMS of unknown people",
                   err=True)


async def _send(line: JsonObject, sender: AIOKafkaProducer, settings: Settings) -> list[asyncio.Future[Any]]:
    """Send a command or an SMS into its lane, a tick into each lane. Returns the acknowledgements."""
    value, octets = line["value"], orjson.dumps(line["value"])
    if value["type"] == "tick":
        return [await sender.send(line["topic"], octets, partition=number) for number in range(settings.partitions)]
    key = _key(value)
    return [await sender.send(line["topic"], octets, key=key, partition=partition_of_key(key, settings.partitions))]


def _key(value: JsonObject) -> bytes:
    """The subject of a command, or the key that a gateway gives an SMS: ticks are true only in the right lane."""
    if "subject" in value:
        return b"%d" % value["subject"]
    return key_of(InboundSms(value["id"], value["sender"], value["recipient"], value["text"], None)) or b""


async def _registry_is_read(settings: Settings) -> bool:
    """Wait until the workers' group has passed the present end of the registry; False if it does not in time."""
    consumer = AIOKafkaConsumer(**kafka_options(settings), group_id=settings.app_id, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(REGISTRY, number) for number in range(settings.partitions)]
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
