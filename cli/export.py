"""`anbu export`: all that is known of a person, as one JSON document, for whoever has a right to it."""

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
              help="Write to this file, which must not be there yet; default: standard output.")
def export(*, subject: int, path: Path | None) -> None:
    """Print all that the database has of SUBJECT as JSON, by collection.

    Who it is, devices, reports, check-ins, alerts, what was told to whom, and what the audit log says.

    Device keys are in none of it. Settings: ANBU_MONGODB.
    """
    if path is not None and path.exists():
        raise click.UsageError(f"{path} is there already")
    found: dict[str, list[Any]] = {}

    async def work(store: Store, _: object) -> None:
        async for name, document in People(store.database).documents(subject):
            found.setdefault(name, []).append(document)

    with_store(work)
    if not found:
        raise click.ClickException(f"nothing is known of {subject}")
    octets = orjson.dumps({"subject": subject, **found}, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    if path is None:
        click.echo(octets)
    else:
        try:
            path.touch(mode=0o600)
            path.write_bytes(octets + b"\n")
        except OSError as error:
            raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None
