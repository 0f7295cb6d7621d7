"""`anbu kek rotate`: wraps all device keys with another key-encryption key. The devices keep their keys.

A key that does not unwrap is named and left unchanged: the reports of its device are rejected before and after.
"""

import asyncio
import sys
from collections import Counter
from typing import NamedTuple

import click
import orjson

from cli.broker import SubjectRecord, broker_settings, publish
from cli.devices import DeviceKey, Kek, chosen_kek, listed
from cli.registry import device_key, read_profiles
from models.contract.registry import parse_profile
from models.json_object import JsonObject
from runtime.keks import parsed_keks
from streams.topics import REGISTRY


class Rewrapped(NamedTuple):
    """A profile with rewrapped keys, the number of changed keys, and the (slot, epoch) of keys that do not unwrap."""

    profile: JsonObject
    changed: int
    lost: list[tuple[int, int]]


def rewrap(document: JsonObject, keks: dict[str, bytes], to: Kek) -> Rewrapped:
    """Rewrap the device keys of a registry record. Keys under the new key already stay unchanged."""
    profile, rewrapped, changed, lost = parse_profile(document), [], 0, []
    for raw, device in zip(document.get("devices") or (), profile.devices, strict=True):
        place = device.slot, device.epoch
        key = None if device.kek == to.name else device_key(device, profile.subject, keks)
        if key is not None:
            changed += 1
            rewrapped.append({**raw, **listed(DeviceKey(profile.subject, *place, key), to)})
            continue
        if device.kek != to.name:
            lost.append(place)
        rewrapped.append(raw)
    return Rewrapped({**document, "devices": rewrapped}, changed, lost)


@click.group()
def kek() -> None:
    """Manage the key-encryption keys of ANBU_KEK_FILE."""


@kek.command()
@click.option("--to", metavar="NAME", help="Name of the key to wrap with; default: the last of ANBU_KEK_FILE.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def rotate(*, to: str | None, as_json: bool) -> None:
    """Wrap the device keys of all people with another key-encryption key.

    First add the new key at the end of ANBU_KEK_FILE and restart all workers, so that they know it. Then run this
    command. Remove the old key from the file once the summary shows that it wraps no key. A second run does no harm.
    No other program may write to the registry meanwhile.

    Status 1 if a key does not unwrap: the command names it and leaves it unchanged. Settings: ANBU_KAFKA,
    ANBU_KEK_FILE.
    """
    with broker_settings() as settings:
        keks, chosen = parsed_keks(settings), chosen_kek(settings, to)
        registry = asyncio.run(read_profiles(settings))
        done = [rewrap(document, keks, chosen) for document in registry.values()]
        changed = [SubjectRecord(REGISTRY, one.profile["subject"], one.profile) for one in done if one.changed]
        asyncio.run(publish(changed, settings))
    still = Counter(device["kek"] for one in done for device in one.profile["devices"])
    lost = {one.profile["subject"]: one.lost for one in done if one.lost}
    if as_json:
        click.echo(orjson.dumps({"to": chosen.name, "people": len(done), "rewrapped": sum(one.changed for one in done),
                                 "keys": still, "lost": [[subject, *place] for subject, places in lost.items()
                                                         for place in places]}))
    else:
        click.echo(f"{sum(one.changed for one in done)} keys of {len(done)} people are now wrapped with {chosen.name}")
        for name, count in sorted(still.items()):
            click.echo(f"  {name}  {count:>9} keys")
    for subject, places in lost.items():
        for slot, epoch in places:
            click.echo(f"{subject}: the key of slot {slot}, epoch {epoch} does not unwrap with any key of "
                       f"ANBU_KEK_FILE: give the device a new one with `anbu rekey {subject} {slot}`", err=True)
    sys.exit(1 if lost else 0)
