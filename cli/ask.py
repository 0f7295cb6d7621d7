"""`anbu ask` asks a person's device by hand whether the person is up. The answer is a report."""

import asyncio
from typing import Final

import click

from cli.broker import Writable, broker_settings, write
from cli.devices import subject_argument
from cli.registry import known_profile
from models.ask_by_hand import AskRefusal, NotAskableError, ask_by_hand
from models.contract.outputs import write_ask
from models.contract.registry import parse_profile
from models.wire.keys import KeyRing
from runtime.clock import clock_of
from runtime.keks import parsed_keks
from streams.partition import partition_of

_WHY: Final = {
    AskRefusal.RETIRED: "this person is no longer looked after",
    AskRefusal.NO_WINDOW: "no window of this person is over yet",
    AskRefusal.ASKED_ALREADY: "Anbu asks this device by itself now, until the deadline of the open window",
    AskRefusal.NO_DEVICE: "no device of this person has a telephone number (`anbu provision`, column msisdn)",
    AskRefusal.NO_KEY: "the key of the device does not unwrap with ANBU_KEK_FILE",
}


@click.command()
@subject_argument
@click.option("--slot", type=click.IntRange(0, 7), help="Slot of the device; default: the lowest that has a number.")
def ask(*, subject: int, slot: int | None) -> None:
    """Ask the device of SUBJECT whether the person is up. The answer is a report, and comes within a minute or never.

    The agent `ask` sends the question by the channel that the routes file names for the gateway, within 30 minutes.

    Settings: ANBU_KAFKA and ANBU_KEK_FILE (to find the key).
    """
    with broker_settings() as settings:
        keys = KeyRing(parsed_keks(settings))
        profile = parse_profile(asyncio.run(known_profile(subject, settings)))
        try:
            question = ask_by_hand(profile, keys, int(clock_of(settings.clock_file).now()), slot)
        except NotAskableError as error:
            raise click.ClickException(f"{subject} is not asked: {_WHY[error.reason]}") from None
        record = write_ask(question)
        lane = partition_of(subject, settings.partitions)
        asyncio.run(write([Writable(record.topic, lane, record.key, record.value)], settings))
    click.echo(f"asked: {question.id}")
