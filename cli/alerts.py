"""`anbu alerts` prints the topic as a subscriber sees it. `anbu alert`, `excuse`, `unexcuse`: acts of a caseworker."""

import asyncio
import re
import sys
import uuid
from collections.abc import Callable

import click
import orjson

from cli.broker import SubjectRecord, Writable, broker_settings, publish, records, write
from cli.devices import subject_argument
from cli.options import by_option
from models.contract.alerts import Kind, Severity
from models.contract.command import Command, IncidentCommand, read_command
from models.contract.incidents import gateway_of
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
    return f"{event['time']}  {severity}  {data['change']:<14}  {data['alert']:<32}  {data['why']['en']}"


@click.command()
@click.option("--follow", is_flag=True, help="Continue with new alerts until Ctrl-C.")
@click.option("--since", metavar="TIME", help="Only alerts at or after this time (RFC 3339).")
@click.option("--site", help="Only alerts of this centre.")
@click.option("--kind", "kinds", type=click.Choice([one.value for one in Kind]), multiple=True,
              help="Only alerts of this kind; may be repeated.")
@click.option("--severity", "severities", type=click.Choice([one.value for one in Severity]), multiple=True,
              help="Only revisions of this severity; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the records unchanged, one a line.")
def alerts(*, follow: bool, since: str | None, site: str | None, kinds: tuple[str, ...], severities: tuple[str, ...],
           as_json: bool) -> None:
    """Print the published alerts in order of time, as sentences or as records.

    Setting: ANBU_KAFKA. Status 130 after Ctrl-C.
    """
    try:
        earliest = 0 if since is None else parse_time(since, "--since")
    except ContractError:
        raise click.BadParameter(f"{since}: give a time such as 2026-11-24T09:00:00+09:00") from None

    def wanted(data: JsonObject) -> bool:
        return (site in (None, data["site"]) and (not kinds or data["kind"] in kinds)
                and (not severities or data["severity"] in severities))

    def show(values: list[bytes]) -> None:
        events = [(parse_time(event["time"], "time"), event, value)
                  for event, value in zip(map(orjson.loads, values), values, strict=True)
                  if wanted(event["data"])]
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
    """Act on an alert: acknowledge, unacknowledge, assign, comment, resolve, reopen.

    ID may be the outage of a gateway: it can be acknowledged, assigned and commented.
    """


def _do(document: JsonObject) -> None:
    """Publish a command. Its result is the next revision of the alert, or a record that says why it did nothing."""
    with broker_settings() as settings:
        document = {name: value for name, value in document.items() if value is not None}
        document |= {"id": str(uuid.uuid4()), "at": format_time(int(clock_of(settings.clock_file).now()))}
        try:
            command = read_command(document)
        except ContractError as error:
            raise click.UsageError(f"{error} is missing or wrong") from None
        asyncio.run(_publish(command, document, settings))
    click.echo("published; the result is the next revision in `anbu alerts`, or a `refused` record on topic reports",
               err=True)


async def _publish(command: Command | IncidentCommand, document: JsonObject, settings: Settings) -> None:
    """Write a command into the lane of its subject. Each lane judges an outage, so each gets the command."""
    if isinstance(command, Command):
        await publish([SubjectRecord(COMMANDS, command.subject, document)], settings)
    else:
        key, value = command.gateway.encode(), orjson.dumps(document)
        await write((Writable(COMMANDS, lane, key, value) for lane in range(settings.partitions)), settings)


def _of(alert_id: str) -> JsonObject:
    """The alert, and the person or the gateway that it is on."""
    gateway = gateway_of(alert_id)
    if gateway is not None:
        return {"gateway": gateway, "alert": alert_id}
    match = re.match(r"(\d{1,10}):", alert_id, re.ASCII)
    if match is None:
        raise click.BadParameter(f"{alert_id}: an alert's id begins with the subject, such as 42:sos:0.1.17, or is "
                                 "that of an outage")
    return {"subject": int(match[1]), "alert": alert_id}


_outcome = click.option("--outcome", metavar="WORD", help="What was found, in a word of a to z and _, such as "
                                                          "reached_well, no_answer, hospital or false_alarm.")


@alert.command()
@click.argument("alert_id", metavar="ID")
@by_option
def acknowledge(alert_id: str, by: str) -> None:
    """Acknowledge the alert: escalation stops."""
    _do({"type": "acknowledge", **_of(alert_id), "by": by})


@alert.command()
@click.argument("alert_id", metavar="ID")
@by_option
def unacknowledge(alert_id: str, by: str) -> None:
    """Take the acknowledgement back: escalation begins again."""
    _do({"type": "unacknowledge", **_of(alert_id), "by": by})


@alert.command()
@click.argument("alert_id", metavar="ID")
@by_option
def reopen(alert_id: str, by: str) -> None:
    """Reopen an alert that was resolved less than 24 hours ago."""
    _do({"type": "reopen", **_of(alert_id), "by": by})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.argument("assignee")
@by_option
def assign(alert_id: str, assignee: str, by: str) -> None:
    """Assign the alert to ASSIGNEE."""
    _do({"type": "assign", **_of(alert_id), "by": by, "assignee": assignee})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.argument("text")
@_outcome
@by_option
def comment(alert_id: str, text: str, outcome: str | None, by: str) -> None:
    """Add TEXT to the history of the alert."""
    _do({"type": "comment", **_of(alert_id), "by": by, "text": text, "outcome": outcome})


@alert.command()
@click.argument("alert_id", metavar="ID")
@click.option("--text", help="Text for the history: the finding, or the action taken.")
@_outcome
@by_option
def resolve(alert_id: str, text: str | None, outcome: str | None, by: str) -> None:
    """Resolve the alert."""
    _do({"type": "resolve", **_of(alert_id), "by": by, "text": text, "outcome": outcome})


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
