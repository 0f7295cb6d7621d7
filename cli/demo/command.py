"""The command `anbu demo`: its output and its end."""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cli.demo.run import Demo, Run
from cli.demo.system import System
from cli.processes import PartFailed
from local.embedded import EmbeddedError
from models.times import format_time
from simulator.fleet import SCENARIOS, START, Fleet
from simulator.networks import NETWORKS


@click.command()
@click.option("--subjects", default=400, show_default=True, type=click.IntRange(1, 5000), help="Number of homes.")
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 30), help="Number of days.")
@click.option("--speed", default=1440.0, show_default=True, type=click.FloatRange(1),
              help="Virtual seconds a second, at most: 1440 is a day in a minute.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same days.")
@click.option("--scenario", default="usual", show_default=True, type=click.Choice(SCENARIOS))
@click.option("--network", default="demo", show_default=True, type=click.Choice(list(NETWORKS)),
              help="How SMS are lost and delayed; demo is far worse than real networks.")
@click.option("--once", is_flag=True, help="End with a summary; status 0 only if no alert is missed or false.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def demo(*, subjects: int, days: int, speed: float, seed: int, scenario: str, network: str, once: bool,
         as_json: bool) -> None:
    """Run the whole system on this machine, with an embedded broker and database and a simulated fleet of homes."""
    fleet = Fleet(subjects, days, START, seed, scenario, network)
    console = Console(stderr=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with tempfile.TemporaryDirectory(prefix="anbu-demo-") as folder:
        try:
            system = System(Path(folder), fleet)
            try:
                status = asyncio.run(_run(system, fleet, console, speed=speed, once=once, as_json=as_json))
            finally:
                # A second Ctrl-C must not leave a part behind.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                system.stop()
        except KeyboardInterrupt:
            console.print("ended")
            sys.exit(130)
        except (EmbeddedError, PartFailed, FileNotFoundError) as error:
            raise click.ClickException(str(error)) from None
    sys.exit(status)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


async def _run(system: System, fleet: Fleet, console: Console, *, speed: float, once: bool, as_json: bool) -> int:
    console.print(f"starting broker and database in {system.folder}")
    system.start_services()
    with _Bar(console, fleet) as show:
        demo = Demo(system, fleet, speed, show)
        await demo.prepare()
        system.start_parts()
        console.print("starting gateway, worker (watch, record, ask) and page")
        await demo.wait_until_ready()
        console.print(f"[bold]the page: {system.page_url}[/bold]")
        anbu = Path(sys.executable).with_name("anbu")
        console.print(f"an SOS, from a second terminal:  . {system.env_file()} && {anbu} send "
                      f"{fleet.homes[0].subject} --sos", soft_wrap=True)
        await demo.days()
    _summarize(console, demo.run, as_json=as_json)
    if not once:
        console.print(f"the days are over; the page stays at {system.page_url} until Ctrl-C")
        await demo.go_on()
    return 0 if demo.run.verdict().perfect else 1


class _Bar:
    """Progress on a terminal; one line every six virtual hours elsewhere."""

    def __init__(self, console: Console, fleet: Fleet) -> None:
        self._console, self._fleet, self._told = console, fleet, fleet.begin
        self._progress = Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"),
                                  TimeElapsedColumn(), console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=fleet.end - fleet.begin, counts="")

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, run: Run) -> None:
        now = format_time(run.now)
        counts = f"{run.sent} SMS, {len(run.questions)} questions, {len(run.alerts)} alert revisions"
        self._progress.update(self._task, completed=run.now - self._fleet.begin, description=now, counts=counts)
        if not self._console.is_terminal and run.now - self._told >= 6 * 3600:
            self._told = run.now
            self._console.print(f"{now}  {counts}")


def _summarize(console: Console, run: Run, *, as_json: bool) -> None:
    summary, verdict = run.summary(), run.verdict()
    if as_json:
        sys.stdout.write(orjson.dumps(summary).decode() + "\n")
    else:
        for name, value in summary.items():
            shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
            sys.stdout.write(f"{name:<15} {shown}\n")
    for due in verdict.missed:
        console.print(f"[red]missed[/red] {due}")
    for alert in verdict.false:
        console.print(f"[red]false[/red]  {alert}")
