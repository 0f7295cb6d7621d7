"""`anbu simulate`: sends the reports of a simulated fleet to a file, to Kafka or to a gateway."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import click
import httpx
import orjson

from cli.broker import broker_settings
from cli.fleet import AT_ONCE, live, to_kafka
from cli.options import process_settings
from cli.post import post
from models.json_object import JsonObject
from models.times import format_time, parse_time
from runtime.clock import clock_of
from runtime.settings import Settings
from simulator.calendar import SEOUL_S
from simulator.fleet import GATEWAY, SCENARIOS, START, Fleet
from simulator.networks import NETWORKS
from streams.topics import COMMANDS, REGISTRY, SMS

TICK_S: Final = 60


def lines(fleet: Fleet) -> Iterator[JsonObject]:
    """The fleet's days as `anbu replay` reads them: registry first, then all in order of time, a tick a minute."""
    for profile in fleet.registry():
        yield {"topic": REGISTRY, "value": profile}
    events: list[tuple[int, int, JsonObject]] = [
        (parse_time(command["at"], "at"), 0, {"topic": COMMANDS, "value": command}) for command in fleet.commands()]
    events += [(one.at, 1, {"topic": SMS, "value": {
        "type": "sms", "gateway": GATEWAY, "id": one.id, "sender": one.sender, "recipient": one.recipient,
        "text": one.text, "binary": None, "received_at": format_time(one.at)}}) for one in fleet.deliveries()]
    events += [(at, 2, {"topic": SMS, "value": {"type": "tick", "source": "gateway", "gateway": GATEWAY,
                                                  "at": format_time(at)}})
               for at in range(fleet.begin, fleet.end + 1, TICK_S)]
    for _, _, line in sorted(events, key=lambda event: event[:2]):
        yield line


@click.command()
@click.option("--subjects", default=400, show_default=True, type=click.IntRange(1, 1_000_000), help="Number of homes.")
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 366), help="Number of days.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), show_default=f"{START}, with --live today in Seoul",
              help="First day.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same octets.")
@click.option("--scenario", default="usual", show_default=True, type=click.Choice(SCENARIOS),
              help="outage: no SMS arrives for a morning; storm: all homes report in the same two minutes.")
@click.option("--network", default="demo", show_default=True, type=click.Choice(list(NETWORKS)),
              help="How SMS are lost and delayed; demo is far worse than real networks.")
@click.option("--to", "target", required=True, metavar="file:PATH|kafka|http://…", help="Target of the reports.")
@click.option("--live", "is_live", is_flag=True, help="Follow the clock, in a running system; with --to kafka.")
@click.option("--truth", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="Write the truth to this file.")
@click.option("--kek", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="Write the fleet's key-encryption keys to this file, for ANBU_KEK_FILE.")
def simulate(*, subjects: int, days: int, start: datetime | None, seed: int, scenario: str, network: str, target: str,
             is_live: bool, truth: Path | None, kek: Path | None) -> None:
    """Simulate the reports of a fleet of homes.

    \b
    file:PATH  the input of `anbu replay`
    kafka      registry, commands, SMS and ticks of the simulated days, as fast as the broker accepts them; a worker
               should run with the fleet's keys (--kek; all fleets of a seed share them) and without a clock of its
               own (ANBU_CLOCK_TICK_S=0): by the clock, the fleet's gateway has been silent since those days
    http://…   only the SMS, to a gateway, which stamps them on arrival; needs ANBU_GATEWAY_SECRET

    With --live, each record is sent at its time, from now until midnight in Seoul after the last day, or until Ctrl-C
    or SIGTERM. Then the people of the fleet are retired: their open alerts are cleared, and no report of them is
    expected. The fleet takes no number of another person.

    `anbu score` compares the alerts of whole days with the truth.
    """
    if is_live and target != "kafka":
        raise click.UsageError("--live is for --to kafka only: a file and a gateway have no clock of their own")
    fleet = Fleet(subjects, days, _first_day(start, is_live=is_live), seed, scenario, network)
    if truth is not None:
        truth.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in fleet.truth().lines()))
    if kek is not None:
        kek.write_bytes(orjson.dumps(fleet.keks()))
    if target.startswith("file:"):
        count = _to_file(fleet, Path(target.removeprefix("file:")))
    elif target == "kafka":
        with broker_settings() as settings:
            count = asyncio.run((live if is_live else to_kafka)(fleet, lines(fleet), settings))
    elif target.startswith(("http://", "https://")):
        with process_settings() as settings:
            count = asyncio.run(_to_gateway(fleet, target, settings))
    else:
        raise click.UsageError(f"--to {target}: use file:PATH, kafka, or the http:// address of a gateway")
    click.echo(f"{count} records", err=True)


def _first_day(start: datetime | None, *, is_live: bool) -> date:
    """The requested day. Default: START, or with --live the present day of the fleet."""
    if start is not None:
        return date(start.year, start.month, start.day)
    if not is_live:
        return START
    with process_settings() as settings:
        return datetime.fromtimestamp(clock_of(settings.clock_file).now() + SEOUL_S, UTC).date()


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


async def _to_gateway(fleet: Fleet, address: str, settings: Settings) -> int:
    deliveries = fleet.deliveries()
    async with httpx.AsyncClient(timeout=30) as http:
        for first in range(0, len(deliveries), AT_ONCE):
            await asyncio.gather(*[
                post(http, address, orjson.dumps({"id": one.id, "sender": one.sender, "recipient": one.recipient,
                                                  "text": one.text}), settings, time.time)
                for one in deliveries[first:first + AT_ONCE]])
    return len(deliveries)
