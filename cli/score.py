"""`anbu score`: compares alerts with the truth of a simulated fleet: missed, false and late alerts."""

import sys
from pathlib import Path
from typing import Final

import click
import orjson

from models.json_object import JsonObject, JsonView
from models.times import format_time
from simulator.score import score as score_alerts
from simulator.truth import read_truth

FAILED: Final = 1


def _read_lines(path: Path) -> list[JsonObject]:
    found: list[JsonObject] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                found.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                raise click.UsageError(f"{path}, line {number}: {error}") from None
            if not isinstance(found[-1], dict):
                raise click.UsageError(f"{path}, line {number} is no object")
    return found


def _alerts(lines: list[JsonObject]) -> list[JsonView]:
    """As `anbu alerts --json` prints them, or among all that `anbu replay` prints."""
    return [line["value"] if "topic" in line else line for line in lines if line.get("topic", "alerts") == "alerts"]


@click.command()
@click.option("--truth", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="The truth, written by `anbu simulate --truth`.")
@click.option("--alerts", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="The alerts, one JSON object a line, from `anbu alerts --json` or `anbu replay`.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def score(*, truth: Path, alerts: Path, as_json: bool) -> None:
    """Report missed, false and late alerts. Status 1 if any alert is missed or false.

    \b
    missed  a truth without an alert at most 10 minutes after it could be known
    late    a missed truth with an alert after that time
    false   an alert that is not true, or was not yet knowable
    """
    try:
        result = score_alerts(read_truth(_read_lines(truth)), _alerts(_read_lines(alerts)))
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"a line does not have the expected form: {error}") from None
    figures = {"due": result.dues, "missed": len(result.missed), "late": len(result.overdue),
               "false": len(result.false)}
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
