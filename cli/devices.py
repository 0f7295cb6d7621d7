"""Keys of devices, as commands make them: wrapped for the registry, and in the clear only for the device.

A key is on the disk before it is in the registry. A key in the registry alone would be in no device, and the reports of
the person would be rejected.
"""

import os
import secrets
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click

from models.json_object import JsonObject
from models.wire.keys import DEVICE_KEY_OCTETS, wrap
from runtime.keks import parsed_keks
from runtime.settings import Settings

NONCE_OCTETS: Final = 12

kek_option = click.option("--kek", help="Name of the key-encryption key; default: the last of ANBU_KEK_FILE.")
subject_argument = click.argument("subject", type=click.IntRange(0, (1 << 32) - 1))


class Kek(NamedTuple):
    """A key-encryption key under its name."""

    name: str
    octets: bytes


class DeviceKey(NamedTuple):
    """A device key in the clear."""

    subject: int
    slot: int
    epoch: int
    key: bytes


def chosen_kek(settings: Settings, name: str | None) -> Kek:
    """The key to wrap with: the named key, else the last of ANBU_KEK_FILE. Raises UsageError, SettingsError."""
    keks = parsed_keks(settings)
    name = name or list(keks)[-1]
    if name not in keks:
        raise click.UsageError(f"ANBU_KEK_FILE has no key {name}; it has {', '.join(keks)}")
    return Kek(name, keks[name])


def make_key(subject: int, slot: int, epoch: int) -> DeviceKey:
    return DeviceKey(subject, slot, epoch, secrets.token_bytes(DEVICE_KEY_OCTETS))


def listed(made: DeviceKey, kek: Kek) -> JsonObject:
    """The device as the registry lists it, its key wrapped."""
    wrapped = wrap(kek.octets, secrets.token_bytes(NONCE_OCTETS), made.key, made.subject, made.slot, made.epoch)
    return {"slot": made.slot, "epoch": made.epoch, "kek": kek.name, "key": b64encode(wrapped).decode()}


def with_number(devices: Sequence[JsonObject], slot: int, msisdn: str) -> list[JsonObject]:
    """The devices, of which the newest one in a slot has this telephone number."""
    newest = max(one["epoch"] for one in devices if one["slot"] == slot)
    return [{**one, "msisdn": msisdn} if (one["slot"], one["epoch"]) == (slot, newest) else one for one in devices]


def write_keys(path: Path, keys: Sequence[DeviceKey]) -> None:
    """Write a new file that only its owner can read. Raises UsageError if it exists: it may hold the only copy."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write("subject,slot,epoch,key\n")
            file.writelines(f"{one.subject},{one.slot},{one.epoch},{one.key.hex()}\n" for one in keys)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise click.UsageError(f"{path} exists already and may hold the only copy of keys; name another file by --keys"
                               ) from None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None
