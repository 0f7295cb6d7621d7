"""`anbu send`: one encrypted report as a device would send it, for trying things out.

A counter used twice with one key is a nonce used twice: so the command has a device slot of its own, and a counter is
on the disk (fsync) before it is used.
"""

import asyncio
import fcntl
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx
import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from cli.options import parsed_keks, settings
from cli.registry import device_key, read_profile
from cli.simulate import post
from models.errors import ContractError
from models.frame import TAG_OCTETS, seal, to_text
from models.keys import message_key
from models.payload import FLAG_NAMES, StatusReport, encode
from models.profile import Device, parse_profile
from models.times import parse_date
from streams.clock import clock_of
from streams.settings import Settings

SLOT = 7
F = TypeVar("F", bound=Callable[..., Any])
COUNTERS = 1 << 24


def next_counter(folder: Path, subject: int, epoch: int) -> int:
    """A counter that has never been used before in this folder, and never will be again."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"send-{subject}-{SLOT}-{epoch}"
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        counter = int(file.read() or b"0") + 1
        if counter >= COUNTERS:
            raise click.ClickException(f"all counters of epoch {epoch} are used: rekey slot {SLOT}")
        file.truncate(0)
        file.write(b"%d" % counter)
        file.flush()
        os.fsync(file.fileno())
    return counter


def _window(text: str | None) -> int | None:
    """DATE:morning or DATE:afternoon as on the wire."""
    if text is None:
        return None
    day, _, half = text.partition(":")
    try:
        date = parse_date(day, "date")
    except ContractError:
        date = None
    if date is None or half not in ("morning", "afternoon"):
        raise click.BadParameter(f"{text}: say DATE:morning or DATE:afternoon, such as 2026-11-24:morning")
    return date * 2 + (half == "afternoon")


def _flag(name: str) -> Callable[[F], F]:
    return click.option(f"--{name.replace('_', '-')}", name, is_flag=True, help=f"Set the flag {name}.")


@click.command()
@click.argument("subject", type=click.IntRange(0, (1 << 32) - 1))
@_flag("awake")
@_flag("out")
@_flag("sos")
@_flag("fire")
@_flag("gas")
@_flag("fall")
@_flag("mains_lost")
@_flag("low_battery")
@click.option("--window", metavar="DATE:HALF", help="The window that the report names, such as 2026-11-24:morning.")
@click.option("--battery", type=click.IntRange(0, 100), help="Battery in percent.")
@click.option("--idle", type=click.IntRange(0, 65_534), help="Minutes since the last activity.")
@click.option("--gateway", "address", metavar="URL", help="The gateway; unset: this machine's.")
def send(*, subject: int, window: str | None, battery: int | None, idle: int | None, address: str | None,
         **flags: bool) -> None:
    """Send one report of SUBJECT through the gateway, sealed by the device key of slot 7.

    Settings: ANBU_KAFKA and ANBU_KEK_FILE (to find the key), ANBU_GATEWAY_SECRET, ANBU_GATEWAY_PORT, ANBU_DATA_DIR
    (where counters are kept).
    """
    bits = sum(1 << bit for bit, name in enumerate(FLAG_NAMES) if flags[name])
    with settings() as found:
        keks = parsed_keks(found)
        target = address or f"http://127.0.0.1:{found.gateway_port}"
        counter = asyncio.run(_send(subject, bits, _window(window), battery, idle, target, found, keks))
    click.echo(f"accepted: {SLOT}.{counter}")


async def _send(subject: int, flags: int, window: int | None, battery: int | None, idle: int | None, address: str,
                found: Settings, keks: dict[str, bytes]) -> str:
    document = await read_profile(subject, found)
    if document is None:
        raise click.ClickException(f"nobody has the number {subject} in topic registry")
    device = _device(subject, [one for one in parse_profile(document).devices if one.slot == SLOT])
    key = device_key(device, subject, keks)
    if key is None:
        raise click.ClickException(f"the key of slot {SLOT} does not unwrap with {device.kek} of ANBU_KEK_FILE")
    now = clock_of(found.clock_file).now()
    counter = next_counter(found.data_path(), subject, device.epoch)
    plaintext = encode(StatusReport(
        device_time=int(now), window=window, flags=flags, idle_min=idle, first_activity_min=None, battery_pct=battery,
        signal_dbm=None, temp_c=None, humidity_pct=None))
    cipher = AESCCM(message_key(key, subject, SLOT, device.epoch), tag_length=TAG_OCTETS)
    frame = seal(cipher, subject, SLOT, device.epoch, counter, plaintext)
    body = orjson.dumps({"id": str(uuid.uuid4()), "sender": "anbu send", "text": to_text(frame)})
    async with httpx.AsyncClient(timeout=30) as http:
        await post(http, address, body, found, now)
    return f"{device.epoch}.{counter}"


def _device(subject: int, devices: list[Device]) -> Device:
    if not devices:
        raise click.ClickException(f"{subject} has no device in slot {SLOT}, which is reserved for this command: "
                                   "`anbu provision` lists one for everybody")
    return max(devices, key=lambda device: device.epoch)
