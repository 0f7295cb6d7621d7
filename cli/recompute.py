"""`anbu recompute`: computed figures made anew from what they are computed of. It should find nothing to change."""

import sys
from datetime import datetime

import click
import orjson

from cli.database import with_store
from cli.options import Date
from stores.mongo import Store
from stores.upkeep import Upkeep


@click.command()
@click.option("--from", "first", type=Date(), required=True, help="The first date.")
@click.option("--to", "last", type=Date(), required=True, help="The last date.")
@click.option("--dry-run", is_flag=True, help="Say what is wrong, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help='{"changed": ["2026-11-24/jongno"]}')
def recompute(*, first: datetime, last: datetime, dry_run: bool, as_json: bool) -> None:
    """Make the figures of days and weeks anew from reports, check-ins and alerts, and say which were others.

    They are kept right, so there should be none: what is found is worth a look. Days whose reports or
    check-ins are no longer kept (ANBU_RETENTION_DAYS) stay as they are. Days that `record` has marked, to make their
    figures anew, are not named; what it is writing at that very moment may be.

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
