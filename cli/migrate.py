"""`anbu migrate`: brings the database to this version. It may be stopped at any time, and run again."""

import sys

import click

from cli.database import with_store
from runtime.settings import Settings
from stores.mongo import Store
from stores.structure import Structure
from stores.upkeep import Upkeep


@click.command()
@click.option("--dry-run", is_flag=True, help="Report the steps and take none. The status is also 0.")
def migrate(*, dry_run: bool) -> None:
    """Create and upgrade the collections: schemas, indexes, retention, and documents of older versions.

    `record` does all but the last when it starts. Run this command before `record` after an upgrade of a large
    database: an index takes long to build, and `record` writes nothing meanwhile. An interrupted migration resumes
    with the next run. Settings: ANBU_MONGODB, ANBU_RETENTION_DAYS.
    """
    with_store(lambda store, settings: _migrate(store, settings, dry_run=dry_run))


async def _migrate(store: Store, _: Settings, *, dry_run: bool) -> None:
    count = 0
    structure = Structure(store.database, store.retention)
    async for step in structure.missing():
        click.echo(step.what)
        count += 1
        if not dry_run:
            await structure.do(step)
    upkeep = Upkeep(store)
    for name, old in (await upkeep.old()).items():
        click.echo(f"upgrade {old} documents of {name}")
        count += 1
    if not dry_run:
        async for progress in upkeep.upgrade():
            if sys.stderr.isatty():
                click.echo(f"{progress.collection}: {progress.done} of {progress.total}", err=True)
    if not count:
        click.echo("the database is up to date")
    elif dry_run:
        click.echo("nothing was done: run it without --dry-run")
