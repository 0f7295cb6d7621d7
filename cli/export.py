"""`anbu export`: all data of a person as one JSON document, for people with a right to it."""

from pathlib import Path
from typing import Any

import click
import orjson

from cli.database import with_store
from cli.devices import subject_argument
from stores.mongo import Store
from stores.people import People


@click.command()
@subject_argument
@click.option("--to", "path", type=click.Path(dir_okay=False, path_type=Path),
              help="Write to this new file; default: standard output.")
def export(*, subject: int, path: Path | None) -> None:
    """Print all data of SUBJECT in the database as JSON, by collection.

    The data are contact, devices, reports, check-ins, alerts, notifications and entries of the audit log.

    Device keys are not among them. Settings: ANBU_MONGODB.
    """
    if path is not None and path.exists():
        raise click.UsageError(f"{path} exists already")
    found: dict[str, list[Any]] = {}

    async def work(store: Store, _: object) -> None:
        async for name, document in People(store.database).documents(subject):
            found.setdefault(name, []).append(document)

    with_store(work)
    if not found:
        raise click.ClickException(f"the database has no data of {subject}")
    octets = orjson.dumps({"subject": subject, **found}, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    if path is None:
        click.echo(octets)
    else:
        try:
            path.touch(mode=0o600)
            path.write_bytes(octets + b"\n")
        except OSError as error:
            raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None
