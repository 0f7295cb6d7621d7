"""`anbu backup` and `anbu restore`: copy history, state and registry of a system to a folder, and to a new system.

The order makes a backup of a running system consistent: history first, then state, then registry. The state knows every
revision of the history, so no revision is published again with another body. A registry record that the state does not
know is folded after the restore. Key-encryption keys are kept apart: with them the folder would reveal all reports.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import orjson
from aiokafka import TopicPartition

from agents.store import store_of
from cli.archive import ArchiveError, ArchiveReader, ArchiveWriter, Manifest, fingerprint, packed
from cli.broker import Writable, broker_settings, records, write
from cli.database import opened
from models.contract.inputs import Record
from models.times import format_time
from runtime.keks import parsed_keks
from runtime.settings import Settings, SettingsError
from stores.dump import Dump
from stores.errors import StoreAwayError
from stores.projection.history import subject_of_record
from streams.engine.changelog import DONE, States, load, reader
from streams.partition import partition_of
from streams.topics import REGISTRY, changelog

FOLDER = click.Path(file_okay=False, path_type=Path)
DATABASE, LANES, PEOPLE = "database/", "lanes/", "registry.gz"


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--keys", type=click.Path(dir_okay=False, path_type=Path),
              help="Copy the key-encryption keys to this new file outside FOLDER.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def backup(folder: Path, keys: Path | None, *, as_json: bool) -> None:
    """Write the history, the state of every lane and the registry into FOLDER, a new folder.

    The system may run meanwhile. FOLDER does not hold the key-encryption keys: keep a copy of them in another place,
    by --keys or by hand. Without the keys no report can be read.

    Settings: ANBU_KAFKA, ANBU_MONGODB, ANBU_KEK_FILE.
    """
    if keys is not None and (keys.exists() or folder.resolve() in keys.resolve().parents):
        raise click.UsageError(f"--keys {keys}: must be a new file outside {folder}")
    with broker_settings() as settings:
        keks = parsed_keks(settings)
        try:
            archive = ArchiveWriter(folder)
        except FileExistsError:
            raise click.UsageError(f"{folder} exists already: name a new folder") from None
        try:
            with archive.dropped_unless_whole():
                manifest = asyncio.run(_backup(settings, archive, keks))
        except StoreAwayError as error:
            raise click.ClickException(f"the database is away (ANBU_MONGODB): {error}") from None
        if keys is not None:
            keys.touch(mode=0o600)
            keys.write_bytes(settings.kek_document())
    _tell(manifest, as_json)


async def _backup(settings: Settings, archive: ArchiveWriter, keks: dict[str, bytes]) -> Manifest:
    at = format_time(int(time.time()))
    with closing(opened(Dump, settings)) as dump:
        for name in await dump.collections():
            _progress(name, await archive.write(f"{DATABASE}{name}.bson.gz", dump.documents(name)))
    async with reader(settings) as consumer:
        for number in range(settings.partitions):
            await load(consumer, TopicPartition(changelog(settings), number), kept := States())
            states = ([key, value] for key, value in kept.items() if value is not None)
            _progress(f"lane {number}", await archive.write(f"{LANES}{number}.gz", packed(states)))
    newest: dict[tuple[int, bytes | None], bytes | None] = {}
    async for polled in records(REGISTRY, settings):
        for record in polled.records:
            newest.pop((record.partition, record.key), None)  # keeps the order of the last writes
            newest[record.partition, record.key] = record.value
    profiles = ([partition, key, value] for (partition, key), value in newest.items())
    _progress("registry", await archive.write(PEOPLE, packed(profiles)))
    return archive.finish(at, settings.partitions, settings.app_id, keks)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def restore(folder: Path, *, as_json: bool) -> None:
    """Restore a backup into an empty broker and an empty database, before gateway and worker start.

    Judgement resumes from the state in the backup. Events since the backup are unknown. ANBU_KEK_FILE must hold the
    keys of the old system.

    Settings: ANBU_KAFKA, ANBU_MONGODB, ANBU_KEK_FILE, ANBU_PARTITIONS.
    """
    try:
        archive = ArchiveReader(folder)
    except ArchiveError as error:
        raise click.UsageError(str(error)) from None
    with broker_settings() as settings:
        _check(archive.manifest, settings)
        try:
            asyncio.run(_restore(settings, archive))
        except StoreAwayError as error:
            raise click.ClickException(f"the database is away (ANBU_MONGODB): {error}") from None
    _tell(archive.manifest, as_json)


def _check(manifest: Manifest, settings: Settings) -> None:
    """Raises SettingsError if a system with these settings could not use the backup."""
    if settings.partitions != manifest.partitions:
        raise SettingsError(f"ANBU_PARTITIONS is {settings.partitions}, but the backup has {manifest.partitions} lanes")
    if settings.app_id != manifest.app_id:
        raise SettingsError(f"ANBU_APP_ID is {settings.app_id}, but the backup has {manifest.app_id}")
    mine = {name: fingerprint(kek) for name, kek in parsed_keks(settings).items()}
    wrong = sorted(name for name, one in manifest.keks.items() if mine.get(name) != one)
    if wrong:
        raise SettingsError(f"ANBU_KEK_FILE lacks keys of the backup ({', '.join(wrong)}): their reports could not "
                            "be read; use the copy of the keys")


async def _restore(settings: Settings, archive: ArchiveReader) -> None:
    with closing(opened(Dump, settings)) as dump:
        if not await dump.is_empty():
            raise click.ClickException("the database is not empty: name a new one in ANBU_MONGODB")
        for topic in (REGISTRY, changelog(settings)):
            async for polled in records(topic, settings):
                if polled.records:
                    raise click.ClickException(f"topic {topic} is not empty: restore into a new broker, before any "
                                               "worker has run there")
        store = store_of(settings)
        await store.prepare()
        store.close()
        for name in archive.names(DATABASE):
            collection = name.removeprefix(DATABASE).removesuffix(".bson.gz")
            _progress(collection, await dump.load(collection, archive.bson(name)))
    await write(_registry(archive, settings), settings)
    for name in archive.names(LANES):
        await write(_lane(archive, name, changelog(settings)), settings)


def _registry(archive: ArchiveReader, settings: Settings) -> list[Writable]:
    """The registry records to restore.

    A record in another partition than its person's is left out if the person's own partition has a record of the
    person. `watch` has forwarded it already, and would forward it again after a newer record.
    """
    own: set[int] = set()
    records: list[tuple[int | None, Writable]] = []  # with the subject of a record in a foreign partition
    for partition, key, value in archive.packed(PEOPLE):
        subject = subject_of_record(Record(REGISTRY, partition, 0, key, value))
        at_home = subject is None or partition_of(subject, settings.partitions) == partition
        if subject is not None and at_home:
            own.add(subject)
        records.append((None if at_home else subject, Writable(REGISTRY, partition, key, value)))
    return [record for stray, record in records if stray not in own]


def _lane(archive: ArchiveReader, name: str, topic: str) -> Iterator[Writable]:
    """The states of a lane, and a `done` without positions. The worker then reads all topics from their beginning,
    because the registry may be newer than the state."""
    number = int(name.removeprefix(LANES).removesuffix(".gz"))
    states: Iterable[Any] = archive.packed(name)
    for key, value in states:
        yield Writable(topic, number, key, value)
    yield Writable(topic, number, DONE, orjson.dumps({}))


def _progress(what: str, count: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"{what}: {count}", err=True)


def _tell(manifest: Manifest, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(manifest._asdict(), option=orjson.OPT_INDENT_2))
        return
    width = max(map(len, manifest.files))
    for name, (count, _) in sorted(manifest.files.items()):
        click.echo(f"{name:<{width}}  {count:>8}")
    click.echo(f"as of {manifest.at}")
