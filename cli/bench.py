"""`anbu bench`: the benchmarks. Their modules are imported when one of them is called."""

from typing import Final

import click

from cli.lazy import Lazy, LazyGroup

BENCHMARKS: Final = {
    "core": Lazy("cli.benchmarks", "What one report costs in the pure core, and what one person weighs."),
    "engine": Lazy(
        "cli.benchmarks",
        "Reports a second of one worker, all that it does included, on a preloaded backlog.",
    ),
    "failover": Lazy(
        "cli.benchmarks",
        "One of two workers is killed under load: seconds until its lanes are judged again, and nothing may be "
        "lost.",
    ),
    "latency": Lazy(
        "cli.benchmarks",
        "Milliseconds from the time stamp of an SMS to the alert that a subscriber sees; one report of ten is an "
        "SOS.",
    ),
    "morning": Lazy(
        "cli.benchmarks",
        "A nation's morning in one worker: people a second, memory, and that all were judged right.",
    ),
    "records": Lazy(
        "cli.benchmarks",
        "What `record` writes beside a raw bulk_write of the same documents, and how long each question takes.",
    ),
    "recovery": Lazy(
        "cli.benchmarks",
        "A worker reads the state of so many people back: seconds and memory, beside a Faust table (fewer, scaled).",
    ),
}


@click.group(cls=LazyGroup, lazy=BENCHMARKS)
def bench() -> None:
    """How fast Anbu is, each figure beside what it is compared with.

    Aims are printed with the figures, and whether they were met. A missed aim does not change the exit status: times
    differ from machine to machine. A wrong result does: each benchmark checks what it has measured (status 1).
    """
