"""`anbu provision`: people from a CSV file into the registry, with device keys made here and wrapped at once."""

import asyncio
import csv
import secrets
from base64 import b64encode
from pathlib import Path
from typing import Any

import click
import orjson

from cli.options import parsed_keks, settings
from cli.send import SLOT as SEND_SLOT
from models.errors import ContractError
from models.keys import wrap
from models.profile import parse_profile
from streams.kafka import producer
from streams.partition import partition_of
from streams.settings import Settings
from streams.topics import REGISTRY, declare

REQUIRED = ("subject", "site", "gateway", "tz", "since")


def read_people(path: Path) -> list[dict[str, Any]]:
    """One person a row. Raises UsageError naming line and column."""
    people: list[dict[str, Any]] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in REQUIRED if name not in (reader.fieldnames or [])]
        if missing:
            raise click.UsageError(f"{path}: the first line must name the columns {', '.join(REQUIRED)}; "
                                   f"{', '.join(missing)} is missing")
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            profile: dict[str, Any] = {name: row[name].strip() for name in REQUIRED if row[name]}
            try:
                profile["subject"] = int(profile.get("subject", ""))
                parse_profile(profile)
            except ContractError as error:
                raise click.UsageError(f"{where}: {error} is missing or wrong") from None
            except ValueError:
                raise click.UsageError(f"{where}: subject must be a number") from None
            people.append(profile)
    return people


def with_keys(profile: dict[str, Any], kek: str, kek_octets: bytes) -> tuple[dict[str, Any], str]:
    """The profile with a home unit in slot 0 and the slot of `anbu send`; and the home unit's key in hex."""
    keys = {slot: secrets.token_bytes(16) for slot in (0, SEND_SLOT)}
    subject = profile["subject"]
    devices = [{"slot": slot, "epoch": 1, "kek": kek, "key": b64encode(
        wrap(kek_octets, secrets.token_bytes(12), key, subject, slot, 1)).decode()} for slot, key in keys.items()]
    return {**profile, "devices": devices}, keys[0].hex()


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.csv")
@click.option("--kek", help="Name of the key-encryption key; unset: the last of ANBU_KEK_FILE.")
@click.option("--keys", "keys_path", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="Write the device keys here, for the devices: subject,slot,epoch,key in hex. Keep it safe.")
def provision(*, file: Path, kek: str | None, keys_path: Path) -> None:
    """Put people into the registry, from a CSV file with the columns subject, site, gateway, tz, since.

    Each gets a new device key in slot 0 and one in slot 7 (for `anbu send`). A subject that is there already is
    replaced: its device needs the new key.
    """
    people = read_people(file)
    with settings() as found:
        keks = parsed_keks(found)
        name = kek or list(keks)[-1]
        if name not in keks:
            raise click.UsageError(f"ANBU_KEK_FILE has no key {name}; it has {', '.join(keks)}")
        made = [with_keys(profile, name, keks[name]) for profile in people]
        keys_path.touch(mode=0o600)
        keys_path.write_text("subject,slot,epoch,key\n" + "".join(
            f"{profile['subject']},0,1,{key}\n" for profile, key in made), encoding="utf-8")
        asyncio.run(_publish([profile for profile, _ in made], found))
    click.echo(f"{len(made)} people are in the registry; their device keys are in {keys_path}")


async def _publish(profiles: list[dict[str, Any]], found: Settings) -> None:
    await declare(found)
    sender = producer(found)
    await sender.start()
    try:
        for profile in profiles:
            subject = profile["subject"]
            await sender.send_and_wait(REGISTRY, orjson.dumps(profile), key=b"%d" % subject,
                                       partition=partition_of(subject, found.partitions))
    finally:
        await sender.stop()
