"""`anbu simulate`: a fleet of homes into a file, Kafka or a gateway; `anbu score`: what came of it."""

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import httpx
import orjson

from cli.options import settings
from gateway.adapters.generic import sign
from models.times import format_time, parse_time
from simulator.fleet import GATEWAY, SCENARIOS, Fleet
from simulator.score import score as score_alerts
from simulator.truth import read_truth
from streams.kafka import producer
from streams.partition import partition_of_key
from streams.settings import Settings
from streams.topics import declare

TICK_S = 60
FAILED = 1


def lines(fleet: Fleet) -> Iterator[dict[str, Any]]:
    """The fleet's days as `anbu replay` reads them: registry first, then all in order of time, a tick a minute."""
    for profile in fleet.registry():
        yield {"topic": "registry", "value": profile}
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
@click.option("--scenario", default="usual", show_default=True, type=click.Choice(SCENARIOS))
@click.option("--to", "target", required=True, metavar="file:PATH|kafka|http://…", help="Where the fleet reports to.")
@click.option("--truth", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="Write what is true here.")
@click.option("--kek", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="Write the fleet's key-encryption keys here, for ANBU_KEK_FILE.")
def simulate(*, subjects: int, days: int, start: datetime, seed: int, scenario: str, target: str, truth: Path | None,
             kek: Path | None) -> None:
    """Let a fleet of homes report.

    To a file: what `anbu replay` reads. To kafka: registry, commands, SMS and ticks as of the simulated days. To the
    address of a gateway: the SMS alone, as fast as it answers, received when they arrive.
    """
    fleet = Fleet(subjects, days, date(start.year, start.month, start.day), seed, scenario)
    if truth is not None:
        truth.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in fleet.truth().lines()))
    if kek is not None:
        kek.write_bytes(orjson.dumps(fleet.keks()))
    if target.startswith("file:"):
        count = _to_file(fleet, Path(target.removeprefix("file:")))
    elif target == "kafka":
        with settings() as found:
            count = asyncio.run(_to_kafka(fleet, found))
    elif target.startswith(("http://", "https://")):
        with settings() as found:
            count = asyncio.run(_to_gateway(fleet, target, found))
    else:
        raise click.UsageError(f"--to {target}: say file:PATH, kafka, or the http:// address of a gateway")
    click.echo(f"{count} records", err=True)


def _to_file(fleet: Fleet, path: Path) -> int:
    count = 0
    with path.open("wb") as file:
        for count, line in enumerate(lines(fleet), start=1):  # noqa: B007 - the count is what is asked for
            file.write(orjson.dumps(line) + b"\n")
    return count


async def _to_kafka(fleet: Fleet, found: Settings) -> int:
    await declare(found)
    sender = producer(found)
    await sender.start()
    count = 0
    try:
        for line in lines(fleet):
            value, topic = line["value"], line["topic"]
            octets = orjson.dumps(value)
            if value.get("type") == "tick":
                await asyncio.gather(*[sender.send_and_wait(topic, octets, partition=number)
                                       for number in range(found.partitions)])
            else:
                key = str(value.get("subject", value.get("sender"))).encode()
                await sender.send(topic, octets, key=key, partition=partition_of_key(key, found.partitions))
            count += 1
        await sender.flush()
    finally:
        await sender.stop()
    return count


async def _to_gateway(fleet: Fleet, address: str, found: Settings) -> int:
    count = 0
    async with httpx.AsyncClient(timeout=30) as http:
        for one in fleet.deliveries():
            body = orjson.dumps({"id": one.id, "sender": one.sender, "recipient": one.recipient, "text": one.text})
            await post(http, address, body, found, time.time())
            count += 1
    return count


async def post(http: httpx.AsyncClient, address: str, body: bytes, found: Settings, now: float) -> None:
    """Post one SMS to the generic adapter; 503 is tried again. Raises ClickException on any other refusal."""
    timestamp = str(int(now))
    headers = {"X-Anbu-Timestamp": timestamp, "X-Anbu-Signature": sign(found.gateway_secret or "", timestamp, body),
               "Content-Type": "application/json"}
    while True:
        try:
            answer = await http.post(f"{address.rstrip('/')}/v1/sms", content=body, headers=headers)
        except httpx.TransportError as error:
            raise click.ClickException(f"no gateway answers at {address}: {error}") from None
        if answer.status_code == httpx.codes.ACCEPTED:
            return
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            raise click.ClickException(f"the gateway answers {answer.status_code}: {answer.text}")
        await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        found = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{path}: {error}") from None
    return [one["value"] if "topic" in one else one for one in found if one.get("topic", "alerts") == "alerts"]


@click.command()
@click.option("--truth", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="What is true, as `anbu simulate --truth` wrote it.")
@click.option("--alerts", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="What came, a JSON object a line: of `anbu alerts --json` or of `anbu replay`.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def score(*, truth: Path, alerts: Path, as_json: bool) -> None:
    """Say which alerts are missed, false or late. Status 1 if anything is missed or false."""
    try:
        result = score_alerts(read_truth(_read_lines(truth)), _read_lines(alerts))
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"a line is not of the kind that is expected: {error}") from None
    figures = {"due": result.dues, "missed": len(result.missed), "late": len(result.late), "false": len(result.false)}
    if as_json:
        click.echo(orjson.dumps(figures))
    else:
        for name, count in figures.items():
            click.echo(f"{name:<8}{count:>6}")
        for due in result.missed:
            window = f" {due.window}" if due.window else ""
            click.echo(f"missed  {due.subject} {due.kind}{window}, knowable at {format_time(due.knowable_at)}")
        for alert in result.false:
            click.echo(f"false   {alert}")
    sys.exit(0 if result.perfect else FAILED)
