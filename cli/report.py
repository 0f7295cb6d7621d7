"""`anbu report`: the answers of the JSON API on a terminal, as a table, as JSON, or as CSV for a spreadsheet."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from cli.database import with_reader
from cli.devices import subject_argument
from cli.options import Date, process_settings
from models.contract.alerts import Kind, Severity
from models.figures import LATER_MIN
from models.json_object import JsonObject
from models.times import format_time
from runtime.clock import clock_of
from stores.pages import CursorError, Page
from stores.questions import Questions
from web.answers import counted, csv_of

Rows = Sequence[JsonObject]
_DATE = Date()
_ANY_WIDTH = 100_000  # of a file or a pipe: no line is folded there
_site = click.option("--site", required=True, help="Name of the site.")
_json = click.option("--json", "form", flag_value="json", help="Print the answer of the JSON API.")
_csv = click.option("--csv", "form", flag_value="csv", help="Print CSV for a spreadsheet: UTF-8, commas.")


def _tell(value: Any, rows: Rows, form: str | None) -> None:
    if form == "json":
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    elif form == "csv":
        click.echo(csv_of(rows), nl=False)
    elif not rows:
        click.echo("none")
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in rows[0]:
            number = {type(row[name]) for row in rows} <= {int, float, type(None)}
            table.add_column(name.replace("_", " "), overflow="fold", justify="right" if number else "left")
        for row in rows:
            table.add_row(*(_shown(one) for one in row.values()))
        width = None if sys.stdout.isatty() else _ANY_WIDTH
        Console(markup=False, emoji=False, highlight=False, width=width).print(table)  # a note may have brackets


def _tell_page(page: Page, rows: Rows, form: str | None, how: str) -> None:
    """Prints a page, and says if more rows exist: a table looks complete without that."""
    _tell({"items": page.rows, "next": page.cursor}, rows, form)
    if page.cursor is not None and form != "json":
        click.echo(f"more rows exist: {how}", err=True)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}{' ' if isinstance(one, dict) else ':'}{_shown(one)}" for name, one in value.items()
                        if one not in (None, {}, []))
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    return "" if value is None else str(value)


def _today() -> date:
    """The date in the easternmost time zone: a morning east of Greenwich may be tomorrow in UTC."""
    with process_settings() as settings:
        now = clock_of(settings.clock_file).now()
    return (datetime.fromtimestamp(now, UTC) + timedelta(hours=14)).date()


def _ask(question: Callable[[Questions], Awaitable[Any]]) -> Any:
    found = with_reader(Questions, question)
    if found is None:
        raise click.ClickException("no person has this number")
    return found


def _ask_of(site: str, question: Callable[[Questions], Awaitable[Rows]]) -> Rows:
    """The rows of a site. An empty answer is good news, so an unknown site raises ClickException."""
    async def asked(questions: Questions) -> Rows | None:
        return await question(questions) or ([] if await questions.is_site(site) else None)

    found: Rows | None = with_reader(Questions, asked)
    if found is None:
        raise click.ClickException(f"no site is called {site!r}")
    return found


@click.group()
def report() -> None:
    """Query the history. The JSON API gives the same answers (`anbu web`, /api/v1). Setting: ANBU_MONGODB."""


@report.command()
@subject_argument
@_json
def person(*, subject: int, form: str | None) -> None:
    """Show SUBJECT now: newest report and results, devices, open alerts."""
    found = _ask(lambda questions: questions.state(subject))
    _tell(found, [{"what": name, "is": value} for name, value in found.items() if value not in (None, {}, [])], form)


@report.command()
@subject_argument
@click.option("--limit", default=12, show_default=True, type=click.IntRange(1, 200), help="Number of weeks.")
@_json
@_csv
def weeks(*, subject: int, limit: int, form: str | None) -> None:
    """Show the weeks of SUBJECT, newest first: reports, battery, wake-up time, results; JSON has each window."""
    page = _ask(lambda questions: questions.weeks(subject, None, limit))
    _tell_page(page, counted(page.rows), form, "--limit takes up to 200")


@report.command()
@subject_argument
@_json
@_csv
def wake_up(*, subject: int, form: str | None) -> None:
    """Show when SUBJECT gets up: the median of 28 mornings, beside the 28 before, and each morning."""
    found = _ask(lambda questions: questions.wake_up(subject))
    if form is None:
        before = f", {found['woke_before']} before" if found["woke_before"] else ""
        click.echo(f"median of {found['of_mornings']} mornings: {found['woke'] or 'unknown'}{before}")
    _tell(found, found["mornings"], form)


@report.command()
@_site
@click.option("--at-least-min", default=LATER_MIN, show_default=True, type=click.IntRange(1, 720),
              help="Smallest drift in minutes.")
@_json
@_csv
def later(*, site: str, at_least_min: int, form: str | None) -> None:
    """List people whose mornings drift later, the largest drift first."""
    rows = _ask_of(site, lambda questions: questions.later(site, at_least_min))
    _tell(rows, rows, form)


@report.command()
@_site
@_json
@_csv
def failing(*, site: str, form: str | None) -> None:
    """List devices that will fail next, by battery and signal, the worst first."""
    rows = _ask_of(site, lambda questions: questions.failing(site))
    _tell(rows, rows, form)


@report.command()
@_site
@click.option("--from", "first", type=_DATE, help="The first date, included; default: 30 days before the last date.")
@click.option("--to", "last", type=_DATE, help="The last date, included; default: today.")
@click.option("--by", default="day", show_default=True, type=click.Choice(["day", "week", "month"]),
              help="Period of a row.")
@_json
@_csv
def site(*, site: str, first: datetime | None, last: datetime | None, by: str, form: str | None) -> None:
    """Show the check-ins, alerts, wake-up time and late SMS of a site by day, week or month."""
    end = last.date() if last else _today()
    begin = first.date() if first else end - timedelta(days=30)
    if end < begin:
        raise click.UsageError("--to is before --from")
    rows = _ask_of(site, lambda questions: questions.figures(site, begin, end, by))
    _tell(rows, rows, form)


@report.command()
@click.option("--site", help="Only alerts of this site.")
@click.option("--subject", type=click.IntRange(0, 0xFFFFFFFF), help="Only alerts of this person.")
@click.option("--kind", type=click.Choice([one.value for one in Kind]), help="Only alerts of this kind.")
@click.option("--severity", type=click.Choice([one.value for one in Severity]), help="Only alerts of this severity.")
@click.option("--open/--closed", "active", default=None, help="Only open alerts, or only closed alerts.")
@click.option("--from", "first", type=_DATE, help="Only alerts opened on this date or later (UTC).")
@click.option("--to", "last", type=_DATE, help="Only alerts opened on this date or earlier (UTC).")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000), help="Number of alerts.")
@click.option("--cursor", help="Continue at this cursor, which the previous answer gave.")
@_json
@_csv
def alerts(*, site: str | None, subject: int | None, kind: str | None, severity: str | None, active: bool | None,
           first: datetime | None, last: datetime | None, limit: int, cursor: str | None, form: str | None) -> None:
    """List alerts of any time, newest first.

    Use --kind for outages of gateways: they belong to no person and to every site, and appear once for each partition
    that judged them.
    """
    where = {"site": site, "subject": subject, "kind": kind, "severity": severity, "active": active}
    if first and last and last < first:
        raise click.UsageError("--to is before --from")
    # The reader takes a time before which the alerts opened, and the last date is included.
    begin, end = (None if one is None else format_time(int(one.replace(tzinfo=UTC).timestamp()))
                  for one in (first, last and last + timedelta(days=1)))
    try:
        page = _ask(lambda questions: questions.alerts(where, begin, end, cursor, limit))
    except CursorError:
        raise click.UsageError("--cursor is not from an answer") from None
    whose = ("gateway", "lane") if kind == Kind.GATEWAY_OUTAGE else ("subject", "site")
    shown = page.rows if form else [{name: one[name] for name in ("opened_at", *whose, "kind", "severity", "change",
                                                                  "reason")} for one in page.rows]
    _tell_page(page, shown, form, f"--cursor {page.cursor} begins there; --limit takes up to 1000")
