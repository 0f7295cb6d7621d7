"""`anbu retire`: ends the watch over a person. The records stay; `anbu erase` removes them too."""

import asyncio

import click

from cli.broker import SubjectRecord, broker_settings, publish
from cli.devices import subject_argument
from cli.registry import known_profile
from streams.topics import REGISTRY


@click.command()
@subject_argument
@click.option("--undo", is_flag=True, help="Watch over SUBJECT again: windows that open from now on are judged.")
def retire(*, subject: int, undo: bool) -> None:
    """Stop watching over SUBJECT: open alerts are cleared, reports go to quarantine, and windows are not judged.

    The history stays. Setting: ANBU_KAFKA.
    """
    with broker_settings() as settings:
        profile = asyncio.run(known_profile(subject, settings))
        if bool(profile.get("retired")) is not undo:
            click.echo(f"{subject} is {'watched over' if undo else 'retired'} already")
            return
        asyncio.run(publish([SubjectRecord(REGISTRY, subject, {**profile, "retired": not undo})], settings))
    click.echo(f"{subject} is {'watched over again' if undo else 'retired'}")
