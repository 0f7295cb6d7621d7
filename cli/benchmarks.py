"""The commands of `anbu bench`. Each figure comes from one run, and its reference ran beside it.

A missed aim is reported and is no failure. A wrong result is a failure (status 1).
"""

from collections.abc import Callable

import click
from aiokafka.errors import KafkaConnectionError, KafkaError

from bench import core as core_bench
from bench import engine as engine_bench
from bench import failover as failover_bench
from bench import latency as latency_bench
from bench import morning as morning_bench
from bench import records as records_bench
from bench import recovery as recovery_bench
from bench.figures import Figure, WrongResultError, table
from cli.options import Misconfigured
from local.embedded import EmbeddedError
from local.mongodb import MongoDBMissingError
from runtime.settings import SettingsError

_Command = Callable[..., None]


def _print(measure: Callable[[], list[Figure]], *, as_json: bool) -> None:
    try:
        figures = measure()
    except WrongResultError as error:
        raise click.ClickException(f"the result is wrong, so there are no figures: {error}") from None
    except (SettingsError, EmbeddedError, MongoDBMissingError) as error:
        raise Misconfigured(str(error)) from None
    except KafkaConnectionError as error:
        raise click.ClickException(f"no broker answers (--broker): {error}") from None
    except KafkaError as error:
        raise click.ClickException(f"the broker reports {error!r}") from None
    for line in [one.line().decode() for one in figures] if as_json else [table(figures)]:
        click.echo(line)


_json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each figure.")


_broker_option = click.option("--broker", metavar="HOST:PORT", help="A broker without Anbu's topics: the benchmark "
                              "creates and deletes them. Default: a broker started here (Apache Kafka: Java 17, and "
                              "`make kafka` once).")


def _people_option(default: int, least: int = 10) -> Callable[[_Command], _Command]:
    return click.option("--people", default=default, show_default=True, type=click.IntRange(least, 10_000_000),
                        help="Number of people.")


def _runs_option(default: int) -> Callable[[_Command], _Command]:
    return click.option("--runs", default=default, show_default=True, type=click.IntRange(1, 100),
                        help="Number of runs; the compared programs take turns.")


@click.command()
@_people_option(2000)
@click.option("--windows", default=20, show_default=True, type=click.IntRange(1, 60),
              help="Number of windows in the past of each person.")
@_runs_option(5)
@_json_option
def core(*, people: int, windows: int, runs: int, as_json: bool) -> None:
    """Measure the time of one report in the pure core, and the memory of one person. Needs no broker.

    \b
    aes_ccm   decrypts the frame: the reference of the others
    receive   reads the octets of the record into a report
    step      judges the report
    encode    writes the outputs as JSON
    pack, unpack   turn the person's state into octets and back
    fold      does all of it, for a person with a packed state
    deadline  judges a tick at which a window of every person is due, for each person
    index     does the work of a lane for each person after reading it back
    """
    _print(lambda: core_bench.core(people, windows, runs), as_json=as_json)


@click.command()
@_broker_option
@_people_option(10_000, engine_bench.FAUST_SHARE)
@click.option("--windows", default=10, show_default=True, type=click.IntRange(1, 60),
              help="Number of windows; each person reports in each.")
@_runs_option(3)
@_json_option
def engine(*, broker: str | None, people: int, windows: int, runs: int, as_json: bool) -> None:
    """Measure the reports a second of one worker with all its work, on a preloaded backlog.

    \b
    bare    an aiokafka loop that calls the same `receive` and `step`, keeps nothing and publishes nothing
    says    the same loop, which also encodes, packs and sends outputs and states, without plan and fence
    watch   the shipped agent: it judges, publishes and keeps durably
    faust   the same work as a plain Faust agent, one event at a time, with a Faust table (the records of
            one person in eleven, in all windows)

    NAME_cpu_us is the processor time of the process for each report. A busy machine disturbs it least.
    """
    _print(lambda: engine_bench.engine(broker, people, windows, runs), as_json=as_json)


_rate_option = click.option("--rate", default=1000, show_default=True, type=click.IntRange(10, 100_000),
                            help="Reports a second.")


@click.command()
@_broker_option
@_rate_option
@click.option("--seconds", default=30, show_default=True, type=click.IntRange(1, 3600),
              help="Duration after a warm-up.")
@_runs_option(1)
@_json_option
def latency(*, broker: str | None, rate: int, seconds: int, runs: int, as_json: bool) -> None:
    """Measure the milliseconds from the time stamp of an SMS to the alert at a subscriber.

    One report in ten is an SOS.

    \b
    echo    a bare aiokafka program that reads `sms` and writes one record in ten to another topic
    alert   a shipped worker
    """
    _print(lambda: latency_bench.latency(broker, rate, seconds, runs), as_json=as_json)


@click.command()
@_broker_option
@_rate_option
@_people_option(2000)
@_runs_option(3)
@_json_option
def failover(*, broker: str | None, rate: int, people: int, runs: int, as_json: bool) -> None:
    """Kill one of two workers under load: seconds until its lanes are judged again. No record may be lost."""
    _print(lambda: failover_bench.failover(broker, rate, people, runs), as_json=as_json)


@click.command()
@_broker_option
@_people_option(1_000_000)
@_json_option
def recovery(*, broker: str | None, people: int, as_json: bool) -> None:
    """Read the state of many people back into a worker: seconds and memory, beside a Faust table (fewer, scaled)."""
    _print(lambda: recovery_bench.recovery(broker, people), as_json=as_json)


@click.command()
@_broker_option
@_people_option(1_000_000)
@_json_option
def morning(*, broker: str | None, people: int, as_json: bool) -> None:
    """Judge a nation's morning in one worker: people a second, memory, and a check of every result."""
    _print(lambda: morning_bench.morning(broker, people), as_json=as_json)


@click.command()
@click.option("--database", "url", metavar="URL",
              help="A MongoDB for this alone, mongodb://host:port. Default: the embedded database, started here.")
@click.option("--mongodb", is_flag=True, help="Start a real MongoDB here; `make mongodb` fetches it.")
@_people_option(1000)
@click.option("--years", default=3.0, show_default=True, type=click.FloatRange(0.04, 10),
              help="Years of history to query.")
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 60),
              help="Days of records to write in turns.")
@_json_option
def records(*, url: str | None, mongodb: bool, people: int, years: float, days: int, as_json: bool) -> None:
    """Measure the writes of `record` beside a raw bulk_write of the same documents, and the time of each query.

    \b
    raw        replaces finished documents by _id, equally durable
    ..._p99    99th percentile of 500 queries, after the years of the people are loaded (three years of 1,000
               people take about five minutes on MongoDB, and half an hour on the embedded database)
    """
    _print(lambda: records_bench.records(url, people, years, days, mongodb=mongodb), as_json=as_json)
