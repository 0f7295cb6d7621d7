"""`anbu send`: sends one encrypted report as a device does, for experiments.

The command has its own device slot, which no home device has, so its counters never collide with a device's.
"""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import click
import httpx
import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from cli.broker import broker_settings
from cli.counters import CounterError, next_counter
from cli.devices import subject_argument
from cli.post import post
from cli.registry import device_key, known_profile
from models.contract.registry import parse_profile
from models.errors import ContractError
from models.profile import Profile, RegisteredDevice
from models.report import FLAG_NAMES, StatusReport
from models.times import parse_date
from models.window import HALVES, Window
from models.wire.frame import SEND_SLOT, TAG_OCTETS, seal, to_text
from models.wire.keys import message_key
from models.wire.payload import encode
from models.zones import local_day
from runtime.clock import clock_of
from runtime.keks import parsed_keks
from runtime.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def _flag(name: str) -> Callable[[F], F]:
    return click.option(f"--{name.replace('_', '-')}", name, is_flag=True, help=f"Set the flag {name}.")


@click.command()
@subject_argument
@_flag("awake")
@_flag("out")
@_flag("sos")
@_flag("fire")
@_flag("gas")
@_flag("fall")
@_flag("mains_lost")
@_flag("low_battery")
@click.option("--window", metavar="[DATE:]HALF",
              help="Window of the report: morning or afternoon of today, or with a date, such as "
                   "2026-11-24:morning; default: none.")
@click.option("--battery", "battery_pct", type=click.IntRange(0, 100), help="Battery in percent.")
@click.option("--signal", "signal_dbm", type=click.IntRange(-254, 0), help="Signal in dBm, such as -85.")
@click.option("--temperature", "temp_c", type=click.IntRange(-127, 127), help="Temperature in °C.")
@click.option("--humidity", "humidity_pct", type=click.IntRange(0, 100), help="Humidity in percent.")
@click.option("--idle", "idle_min", type=click.IntRange(0, 65_534), help="Minutes since the last activity.")
@click.option("--listens", is_flag=True, help="Say that the device can be asked.")
@click.option("--answers", type=click.IntRange(1, 7), help="Number of the question that the report answers.")
@click.option("--gateway", "address", metavar="URL", help="Address of the gateway; default: that of this machine.")
def send(*, subject: int, window: str | None, address: str | None, battery_pct: int | None, signal_dbm: int | None,
         temp_c: int | None, humidity_pct: int | None, idle_min: int | None, listens: bool, answers: int | None,
         **flags: bool) -> None:
    """Send one report of SUBJECT through the gateway, encrypted with the device key of slot 7.

    Without --awake or --out, a report with a window means that the person has not woken up. Omitted values are unknown.

    Settings: ANBU_KAFKA and ANBU_KEK_FILE (to find the key), ANBU_GATEWAY_SECRET, ANBU_GATEWAY_PORT, ANBU_DATA_DIR
    (where counters are kept).
    """
    with broker_settings() as settings:
        keks = parsed_keks(settings)
        profile = parse_profile(asyncio.run(known_profile(subject, settings)))
        device, key = _device(profile, keks)
        clock = clock_of(settings.clock_file)
        plaintext = encode(StatusReport(
            device_time=int(clock.now()), window=_window(window, profile, int(clock.now())),
            flags=sum(1 << bit for bit, name in enumerate(FLAG_NAMES) if flags[name]), idle_min=idle_min,
            first_activity_min=None, battery_pct=battery_pct, signal_dbm=signal_dbm, temp_c=temp_c,
            humidity_pct=humidity_pct, listens=listens, answers=answers))
        try:
            counter = next_counter(settings.data_path(), subject, SEND_SLOT, device.epoch)
        except (CounterError, OSError) as error:
            raise click.ClickException(str(error)) from None
        cipher = AESCCM(message_key(key, subject, SEND_SLOT, device.epoch), tag_length=TAG_OCTETS)
        text = to_text(seal(cipher, subject, SEND_SLOT, device.epoch, counter, plaintext))
        asyncio.run(_post(text, address or f"http://127.0.0.1:{settings.gateway_port}", settings, clock.now))
    click.echo(f"accepted: {SEND_SLOT}.{device.epoch}.{counter}")


def _device(profile: Profile, keks: dict[str, bytes]) -> tuple[RegisteredDevice, bytes]:
    """The newest device of the slot, and its key in the clear."""
    devices = [one for one in profile.devices if one.slot == SEND_SLOT]
    if not devices:
        raise click.ClickException(f"{profile.subject} has no device in slot {SEND_SLOT}, which is reserved for this "
                                   "command: `anbu provision` adds it")
    newest = max(devices, key=lambda device: device.epoch)
    key = device_key(newest, profile.subject, keks)
    if key is None:
        raise click.ClickException(f"the key of slot {SEND_SLOT} does not unwrap with {newest.kek} of ANBU_KEK_FILE")
    return newest, key


def _window(text: str | None, profile: Profile, now: int) -> int | None:
    """A window as on the wire: of a date, or of the present date of the subject."""
    if text is None:
        return None
    day_text, _, half = text.rpartition(":")
    try:
        day = parse_date(day_text, "date") if day_text else local_day(profile.schedule.tz, now)
    except ContractError:
        day = -1
    if half not in HALVES or not 0 <= day < 1 << 15:
        raise click.UsageError(f"--window {text}: use morning, afternoon, or a date before it, such as "
                               "2026-11-24:morning")
    return Window.of(day, half)


async def _post(text: str, address: str, settings: Settings, now: Callable[[], float]) -> None:
    body = orjson.dumps({"id": str(uuid.uuid4()), "sender": "anbu send", "text": text})
    async with httpx.AsyncClient(timeout=30) as http:
        await post(http, address, body, settings, now)
