"""`anbu recompute`: recomputes figures from their sources. It should find nothing to change."""

import sys
from datetime import datetime

import click
import orjson

from cli.database import with_store
from cli.options import Date
from stores.mongo import Store
from stores.upkeep import Upkeep


@click.command()
@click.option("--from", "first", type=Date(), required=True, help="The first date, included.")
@click.option("--to", "last", type=Date(), required=True, help="The last date, included.")
@click.option("--dry-run", is_flag=True, help="Report the differences and change nothing.")
@click.option("--json", "as_json", is_flag=True, help='Print the changes as JSON: {"changed": ["2026-11-24/jongno"]}')
def recompute(*, first: datetime, last: datetime, dry_run: bool, as_json: bool) -> None:
    """Recompute the figures of days and weeks from reports, check-ins and alerts, and list the figures that differed.

    `record` keeps the figures right, so the list should be empty: look into every entry. Days without kept reports or
    check-ins (ANBU_RETENTION_DAYS) stay unchanged. Days that `record` has marked for recomputing are not listed. A day
    that `record` is just writing may be listed.

    Settings: ANBU_MONGODB, ANBU_RETENTION_DAYS.
    """
    if last < first:
        raise click.UsageError("--to is before --from")

    async def work(store: Store, _: object) -> list[str]:
        changed = []
        async for what, others in Upkeep(store).recompute(first.date(), last.date(), dry_run=dry_run):
            if sys.stderr.isatty():
                click.echo(what, err=True)
            changed += others
        return changed

    changed = with_store(work)
    if as_json:
        click.echo(orjson.dumps({"changed": changed}))
        return
    for one in changed:
        click.echo(one)
    said = "would be changed" if dry_run else "changed"
    click.echo(f"{len(changed)} {said}" if changed else "all figures are right")
