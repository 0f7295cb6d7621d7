"""`anbu bench`: the group of the benchmarks. Their modules are imported when a benchmark is called."""

from typing import Final

import click

from cli.lazy import Lazy, LazyGroup

BENCHMARKS: Final = {
    "core": Lazy("cli.benchmarks", "Measure the time of one report in the pure core, and the memory of one person."),
    "engine": Lazy(
        "cli.benchmarks",
        "Measure the reports a second of one worker with all its work, on a preloaded backlog.",
    ),
    "failover": Lazy("cli.benchmarks", "Kill one of two workers under load: seconds until its lanes are judged again."),
    "latency": Lazy(
        "cli.benchmarks",
        "Measure the milliseconds from the time stamp of an SMS to the alert at a subscriber.",
    ),
    "morning": Lazy(
        "cli.benchmarks",
        "Judge a nation's morning in one worker: people a second, memory, and a check of every result.",
    ),
    "records": Lazy(
        "cli.benchmarks",
        "Measure the writes of `record` beside a raw bulk_write of the same documents, and the time of each query.",
    ),
    "recovery": Lazy(
        "cli.benchmarks",
        "Read the state of many people back into a worker: seconds and memory, beside a Faust table (fewer, scaled).",
    ),
}


@click.group(cls=LazyGroup, lazy=BENCHMARKS)
def bench() -> None:
    """Measure how fast Anbu is, each figure beside its reference.

    The figures come with their aims, and say whether each aim is met. A missed aim does not change the exit status,
    because times differ from machine to machine. A wrong result does (status 1): each benchmark checks its results.
    """
