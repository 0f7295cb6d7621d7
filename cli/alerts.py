"""`anbu alerts`: what a subscriber of the topic sees; `anbu alert`, `excuse`, `unexcuse`: what a caseworker does."""

import asyncio
import getpass
import re
import sys
import uuid
from typing import Any

import click
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.options import settings
from models.command import parse_command
from models.errors import ContractError
from models.times import format_time, parse_time
from streams.clock import clock_of
from streams.kafka import kafka_options, producer, stop_consumer
from streams.partition import partition_of
from streams.settings import Settings
from streams.topics import ALERTS, COMMANDS

COLOURS = {"critical": "red", "warning": "yellow", "maintenance": "blue"}


def sentence(event: dict[str, Any]) -> str:
    """One revision in a line: when, how bad, who, what and why."""
    data = event["data"]
    severity = click.style(f"{data['severity']:<11}", fg=COLOURS[data["severity"]])
    return f"{event['time']}  {severity}  {data['change']:<12}  {event['subject']:>8}  {data['why']['en']}"


@click.command()
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--since", metavar="TIME", help="Only what happened at or after this time (RFC 3339).")
@click.option("--site", help="Only of this centre.")
@click.option("--json", "as_json", is_flag=True, help="The records as they are, one a line.")
def alerts(*, follow: bool, since: str | None, site: str | None, as_json: bool) -> None:
    """Print the alerts that have been published, in sentences or as they are."""
    try:
        earliest = 0 if since is None else parse_time(since, "--since")
    except ContractError:
        raise click.BadParameter(f"{since}: say a time such as 2026-11-24T09:00:00+09:00") from None

    def show(value: bytes) -> None:
        event = orjson.loads(value)
        if parse_time(event["time"], "time") >= earliest and site in (None, event["data"]["site"]):
            click.echo(value if as_json else sentence(event))

    with settings() as found:
        try:
            asyncio.run(_read(found, show, follow=follow))
        except KeyboardInterrupt:
            sys.exit(130)


async def _read(found: Settings, show: Any, *, follow: bool) -> None:
    consumer = AIOKafkaConsumer(**kafka_options(found), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(ALERTS, number) for number in range(found.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        while follow or any([await consumer.position(place) < ends[place] for place in places]):
            polled = await consumer.getmany(*places, timeout_ms=500)
            records = [record for one in polled.values() for record in one]
            for record in sorted(records, key=lambda record: record.timestamp):
                show(record.value)
    finally:
        await stop_consumer(consumer)


@click.group()
def alert() -> None:
    """Do something about an alert: acknowledge, assign, comment, resolve."""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"


by_option = click.option("--by", default=_user, show_default="your user name", help="Who does it.")


def _do(document: dict[str, Any]) -> None:
    """Publish a command. What comes of it is the next revision of the alert."""
    with settings() as found:
        document |= {"id": str(uuid.uuid4()), "at": format_time(int(clock_of(found.clock_file).now()))}
        try:
            parse_command(document)
        except ContractError as error:
            raise click.UsageError(f"{error} is missing or wrong") from None
        asyncio.run(_publish(document, found))
    click.echo("passed on; what comes of it is the next revision in `anbu alerts`", err=True)


async def _publish(document: dict[str, Any], found: Settings) -> None:
    sender = producer(found)
    await sender.start()
    try:
        subject = document["subject"]
        await sender.send_and_wait(COMMANDS, orjson.dumps(document), key=b"%d" % subject,
                                   partition=partition_of(subject, found.partitions))
    finally:
        await sender.stop()


def _subject(alert_id: str) -> int:
    match = re.match(r"(\d+):", alert_id)
    if match is None:
        raise click.BadParameter(f"{alert_id}: an alert's id begins with the subject, such as 42:sos:0.1.17")
    return int(match[1])


@alert.command()
@click.argument("alert_id", metavar="ID")
@by_option
def acknowledge(alert_id: str, by: str) -> None:
    """Say that somebody has it in hand: escalation stops."""
    _do({"type": "acknowledge", "subject": _subject(alert_id), "alert": alert_id, "by": by})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.argument("assignee")
@by_option
def assign(alert_id: str, assignee: str, by: str) -> None:
    """Give it to ASSIGNEE."""
    _do({"type": "assign", "subject": _subject(alert_id), "alert": alert_id, "by": by, "assignee": assignee})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.argument("text")
@by_option
def comment(alert_id: str, text: str, by: str) -> None:
    """Add TEXT to its history."""
    _do({"type": "comment", "subject": _subject(alert_id), "alert": alert_id, "by": by, "text": text})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.option("--text", help="What was found.")
@by_option
def resolve(alert_id: str, text: str | None, by: str) -> None:
    """Close it."""
    _do({"type": "resolve", "subject": _subject(alert_id), "alert": alert_id, "by": by, "text": text})


@click.command()
@click.argument("subject", type=click.IntRange(0, (1 << 32) - 1))
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@click.option("--text", help="Why, such as travel or hospital.")
@by_option
def excuse(subject: int, first: str, last: str, text: str | None, by: str) -> None:
    """Expect nothing of SUBJECT on the local dates FROM to TO, both included (2026-11-24)."""
    _do({"type": "excuse", "subject": subject, "by": by, "from": first, "to": last, "text": text})


@click.command()
@click.argument("subject", type=click.IntRange(0, (1 << 32) - 1))
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@by_option
def unexcuse(subject: int, first: str, last: str, by: str) -> None:
    """Expect SUBJECT again on the local dates FROM to TO."""
    _do({"type": "unexcuse", "subject": subject, "by": by, "from": first, "to": last})
