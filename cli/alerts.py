"""`anbu alerts` prints the topic as a subscriber sees it. `anbu alert`, `excuse`, `unexcuse`: acts of a caseworker."""

import asyncio
import re
import sys
import uuid
from collections.abc import Callable

import click
import orjson

from cli.broker import SubjectRecord, broker_settings, publish, records
from cli.devices import subject_argument
from cli.options import by_option
from models.contract.command import parse_command
from models.errors import ContractError
from models.json_object import JsonObject
from models.times import format_time, parse_time
from runtime.clock import clock_of
from runtime.settings import Settings
from streams.topics import ALERTS, COMMANDS

COLOURS = {"critical": "red", "warning": "yellow", "maintenance": "blue"}


def sentence(event: JsonObject) -> str:
    """One revision in a line: time, severity, change, the id for `anbu alert`, and the reason."""
    data = event["data"]
    severity = click.style(f"{data['severity']:<11}", fg=COLOURS[data["severity"]])
    return f"{event['time']}  {severity}  {data['change']:<12}  {data['alert']:<32}  {data['why']['en']}"


@click.command()
@click.option("--follow", is_flag=True, help="Continue with new alerts until Ctrl-C.")
@click.option("--since", metavar="TIME", help="Only alerts at or after this time (RFC 3339).")
@click.option("--site", help="Only alerts of this centre.")
@click.option("--json", "as_json", is_flag=True, help="Print the records unchanged, one a line.")
def alerts(*, follow: bool, since: str | None, site: str | None, as_json: bool) -> None:
    """Print the published alerts in order of time, as sentences or as records.

    Setting: ANBU_KAFKA. Status 130 after Ctrl-C.
    """
    try:
        earliest = 0 if since is None else parse_time(since, "--since")
    except ContractError:
        raise click.BadParameter(f"{since}: give a time such as 2026-11-24T09:00:00+09:00") from None

    def show(values: list[bytes]) -> None:
        events = [(parse_time(event["time"], "time"), event, value)
                  for event, value in zip(map(orjson.loads, values), values, strict=True)
                  if site in (None, event["data"]["site"])]
        for at, event, value in sorted(events, key=lambda one: one[0]):
            if at >= earliest:
                click.echo(value if as_json else sentence(event))

    with broker_settings() as settings:
        try:
            asyncio.run(_read(settings, show, follow=follow))
        except KeyboardInterrupt:
            sys.exit(130)


async def _read(settings: Settings, show: Callable[[list[bytes]], None], *, follow: bool) -> None:
    """Show the present alerts together, so that all lanes are in order of time. Then show new alerts on arrival."""
    history: list[bytes] = []
    async for polled in records(ALERTS, settings, follow=follow):
        history += [record.value for record in polled.records]
        if polled.reached_end:
            show(history)
            history = []


@click.group()
def alert() -> None:
    """Act on an alert: acknowledge, assign, comment, resolve."""


def _do(document: JsonObject) -> None:
    """Publish a command. Its result is the next revision of the alert."""
    with broker_settings() as settings:
        document = {name: value for name, value in document.items() if value is not None}
        document |= {"id": str(uuid.uuid4()), "at": format_time(int(clock_of(settings.clock_file).now()))}
        try:
            command = parse_command(document)
        except ContractError as error:
            raise click.UsageError(f"{error} is missing or wrong") from None
        asyncio.run(publish([SubjectRecord(COMMANDS, command.subject, document)], settings))
    click.echo("published; the result is the next revision in `anbu alerts`", err=True)


def _subject(alert_id: str) -> int:
    match = re.match(r"(\d{1,10}):", alert_id, re.ASCII)
    if match is None:
        raise click.BadParameter(f"{alert_id}: an alert's id begins with the subject, such as 42:sos:0.1.17")
    return int(match[1])


@alert.command()
@click.argument("alert_id", metavar="ID")
@by_option
def acknowledge(alert_id: str, by: str) -> None:
    """Acknowledge the alert: escalation stops."""
    _do({"type": "acknowledge", "subject": _subject(alert_id), "alert": alert_id, "by": by})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.argument("assignee")
@by_option
def assign(alert_id: str, assignee: str, by: str) -> None:
    """Assign the alert to ASSIGNEE."""
    _do({"type": "assign", "subject": _subject(alert_id), "alert": alert_id, "by": by, "assignee": assignee})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.argument("text")
@by_option
def comment(alert_id: str, text: str, by: str) -> None:
    """Add TEXT to the history of the alert."""
    _do({"type": "comment", "subject": _subject(alert_id), "alert": alert_id, "by": by, "text": text})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.option("--text", help="Text for the history: the finding, or the action taken.")
@by_option
def resolve(alert_id: str, text: str | None, by: str) -> None:
    """Resolve the alert."""
    _do({"type": "resolve", "subject": _subject(alert_id), "alert": alert_id, "by": by, "text": text})


@click.command()
@subject_argument
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@click.option("--text", help="Reason of the absence, such as travel or hospital.")
@by_option
def excuse(subject: int, first: str, last: str, text: str | None, by: str) -> None:
    """Excuse SUBJECT on the local dates FROM to TO, both included (2026-11-24)."""
    _do({"type": "excuse", "subject": subject, "by": by, "from": first, "to": last, "text": text})


@click.command()
@subject_argument
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@by_option
def unexcuse(subject: int, first: str, last: str, by: str) -> None:
    """Withdraw the excuse of SUBJECT on the local dates FROM to TO, both included."""
    _do({"type": "unexcuse", "subject": subject, "by": by, "from": first, "to": last})
