"""`anbu erase`: a person leaves no trace but the number, that nobody gets again, and the entry of who erased them.

The number is put on the list of the erased before the tombstone goes out. From then on nothing of the person is
written, whatever is still in the topics or comes of the tombstone. So it does not matter where this stops: when it is
run again, it does what is left.
"""

import asyncio
import uuid

import click
from aiokafka.errors import KafkaError

from cli.broker import sending
from cli.database import with_store
from cli.devices import subject_argument
from cli.options import by_option
from models.times import format_time
from stores.mongo import Store
from stores.people import People
from streams.clock import clock_of
from streams.partition import partition_of
from streams.settings import Settings
from streams.topics import REGISTRY


@click.command()
@subject_argument
@by_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(*, subject: int, by: str, yes: bool) -> None:
    """Erase SUBJECT: keys, state, history, personal data, and their part in the figures of days. There is no way back.

    What stays: the number in a list, so that nobody gets it again, and an entry of the audit log. Records in topics go
    when their time is over (sms: 7 days, others: 30 days), those of `registry` and of the state with the next
    compaction. Keep no backup longer than you may keep the data. Settings: ANBU_KAFKA, ANBU_MONGODB.
    """
    if not yes:
        click.confirm(f"Erase everything that is known of {subject}?", abort=True)
    counts = with_store(lambda store, found: _erase(store, found, subject, by))
    for name, count in counts.items():
        click.echo(f"{name:<12}{count:>8} deleted")
    click.echo(f"{subject} is erased")


async def _erase(store: Store, found: Settings, subject: int, by: str) -> dict[str, int]:
    at = format_time(int(clock_of(found.clock_file).now()))
    try:
        # The broker is asked first: with the mark, but without the tombstone, alerts would be raised that nobody hears.
        async with sending(found) as sender:
            await People(store.database).mark_erased(subject, at)
            await store.append_audit(f"erase/{subject}/{uuid.uuid4()}", at, by, "erased", subject)
            own = partition_of(subject, found.partitions)
            await sender.send_and_wait(REGISTRY, None, key=b"%d" % subject, partition=own)
            # A record that was written into a partition not its own was sent on, but stays there, and its keys with it.
            await asyncio.gather(*(sender.send_and_wait(REGISTRY, None, key=b"%d" % subject, partition=other)
                                   for other in range(found.partitions) if other != own))
    except KafkaError as error:
        raise click.ClickException(f"the broker is away (ANBU_KAFKA): {error}; {subject} is not erased: do it again",
                                   ) from None
    return await store.erase(subject)
