"""`anbu erase`: removes all data of a person but the number, which is never given again, and an entry of the audit log.

The number is put on the list of erased numbers before the tombstone is published. From then on no store writes data of
the person, whatever the topics hold and whatever the tombstone causes. So the command may stop at any step: the next
run does the rest. An unknown number is rejected, so that a typing error takes no number from the next person.
"""

import asyncio
import uuid

import click
from aiokafka.errors import KafkaError

from cli.broker import records, sending
from cli.database import with_store
from cli.devices import subject_argument
from cli.options import by_option
from models.times import format_time
from runtime.clock import clock_of
from runtime.settings import Settings
from stores.mongo import Store
from stores.people import People
from streams.partition import partition_of
from streams.topics import REGISTRY


@click.command()
@subject_argument
@by_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--unknown", is_flag=True, help="Erase SUBJECT even if neither the registry nor the database knows it.")
def erase(*, subject: int, by: str, yes: bool, unknown: bool) -> None:
    """Erase SUBJECT: keys, state, history, personal data, and their part in the figures of days. There is no undo.

    Two things stay: the number, in a list that keeps it from being given again, and an entry of the audit log. Records
    in topics expire (sms: after 7 days, others: after 30 days). Records of `registry` and of the state go with the next
    compaction. Keep no backup longer than you may keep the data.

    The command rejects a number that neither the registry nor the database knows (status 1), because an erased number
    is never given again. Use --unknown if only a state or records of another topic are left. After an interruption run
    the same command again. Settings: ANBU_KAFKA, ANBU_MONGODB.
    """
    if not unknown and not with_store(lambda store, settings: _is_known(store, settings, subject)):
        raise click.ClickException(
            f"neither the registry nor the database knows the number {subject}; nothing is changed. An erased number "
            "is never given again: to erase it all the same, use --unknown")
    if not yes:
        click.confirm(f"Erase all data of {subject}?", abort=True)
    counts = with_store(lambda store, settings: _erase(store, settings, subject, by))
    for name, count in counts.items():
        click.echo(f"{name:<12}{count:>8} deleted")
    click.echo(f"{subject} is erased")


async def _is_known(store: Store, settings: Settings, subject: int) -> bool:
    """Whether the number has the mark of an erasure, a document, or a record of the registry. A record counts even if
    it breaks the contract or is in the wrong partition."""
    people = People(store.database)
    if await people.erased([subject]):
        return True
    async for _ in people.documents(subject):
        return True
    try:
        async for polled in records(REGISTRY, settings):
            if any(record.key == b"%d" % subject for record in polled.records):
                return True
    except KafkaError as error:
        raise _away(error, subject) from None
    return False


async def _erase(store: Store, settings: Settings, subject: int, by: str) -> dict[str, int]:
    at = format_time(int(clock_of(settings.clock_file).now()))
    try:
        # The broker is asked first: a mark without a tombstone would leave alerts that reach no person.
        async with sending(settings) as sender:
            await People(store.database).mark_erased(subject, at)
            await store.append_audit(f"erase/{subject}/{uuid.uuid4()}", at, by, "erased", subject)
            own = partition_of(subject, settings.partitions)
            await sender.send_and_wait(REGISTRY, None, key=b"%d" % subject, partition=own)
            # A record in a wrong partition was forwarded, but stays there with its keys.
            await asyncio.gather(*(sender.send_and_wait(REGISTRY, None, key=b"%d" % subject, partition=other)
                                   for other in range(settings.partitions) if other != own))
    except KafkaError as error:
        raise _away(error, subject) from None
    return await store.erase(subject)


def _away(error: KafkaError, subject: int) -> click.ClickException:
    return click.ClickException(f"the broker is away (ANBU_KAFKA): {error}; {subject} is not erased: run the command "
                                "again")
