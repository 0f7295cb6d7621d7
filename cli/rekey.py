"""`anbu rekey`: gives a slot of a home a new device or a new key, while the old device keeps reporting.

The new key is listed beside the old key, under the next epoch. The first frame of the new device makes it the current
key. Epochs are never reused, so a frame has one key only.
"""

import asyncio
from pathlib import Path

import click

from cli.broker import SubjectRecord, broker_settings, publish
from cli.devices import DeviceKey, Kek, chosen_kek, kek_option, listed, make_key, subject_argument
from cli.devices import write_keys as write_to
from cli.registry import known_profile
from models.contract.records import MSISDN
from models.json_object import JsonObject
from models.wire.frame import SEND_SLOT
from streams.topics import REGISTRY

EPOCHS_LISTED = 2  # a receiver tries the previous, the current and the next epoch, and rejects older epochs


def with_new_key(profile: JsonObject, slot: int, kek: Kek, *, drop_oldest: bool = False,
                 msisdn: str | None = None) -> tuple[JsonObject, DeviceKey]:
    """The record to publish, and its new key. Raises UsageError if reports of a device might be rejected.

    msisdn: the telephone number of the new device; None: the SIM moves from the old device to the new one.
    """
    devices = list(profile.get("devices") or ())
    mine = sorted((one for one in devices if one["slot"] == slot), key=lambda one: int(one["epoch"]))
    subject = profile["subject"]
    if len(mine) >= EPOCHS_LISTED:
        if not drop_oldest:
            epochs = " and ".join(str(one["epoch"]) for one in mine)
            raise click.UsageError(f"slot {slot} of {subject} has epochs {epochs} already, and a slot takes no more: "
                                   f"use --drop-oldest once the device of epoch {mine[0]['epoch']} is gone")
        mine = mine[1 - EPOCHS_LISTED:]
    made = make_key(subject, slot, mine[-1]["epoch"] + 1 if mine else 1)
    others = [one for one in devices if one["slot"] != slot]
    number = msisdn or (mine[-1].get("msisdn") if mine else None)
    new = listed(made, kek) | ({} if number is None else {"msisdn": number})
    return {**profile, "devices": [*others, *mine, new]}, made


@click.command()
@subject_argument
@click.argument("slot", type=click.IntRange(0, 7))
@kek_option
@click.option("--keys", "keys_path", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the new key to this new file; default: SUBJECT-SLOT-EPOCH.keys.csv.")
@click.option("--drop-oldest", is_flag=True, help="Drop the older of two keys: reports of its device are rejected.")
@click.option("--msisdn", metavar="NUMBER",
              help="Telephone number of the new device, such as +821012345678; default: that of the old device.")
def rekey(*, subject: int, slot: int, kek: str | None, keys_path: Path | None, drop_oldest: bool,
          msisdn: str | None) -> None:
    """Give the device in SLOT of SUBJECT a new key, or an empty slot its first key.

    The old device keeps reporting until the new device sends its first report. The command writes the key once, to a
    file for the device: keep the file safe, or delete it when the device has the key. Slot 0 is the home unit. Slot 7
    belongs to `anbu send`, which finds its key itself.

    Settings: ANBU_KAFKA, ANBU_KEK_FILE.
    """
    if msisdn is not None and MSISDN.fullmatch(msisdn) is None:
        raise click.UsageError(f"--msisdn {msisdn}: write + and the country's code, such as +821012345678")
    with broker_settings() as settings:
        chosen = chosen_kek(settings, kek)
        profile = asyncio.run(known_profile(subject, settings))
        record, made = with_new_key(profile, slot, chosen, drop_oldest=drop_oldest, msisdn=msisdn)
        path = keys_path or Path(f"{subject}-{slot}-{made.epoch}.keys.csv")
        if slot != SEND_SLOT:
            write_to(path, [made])
        asyncio.run(publish([SubjectRecord(REGISTRY, subject, record)], settings))
    click.echo(f"slot {slot} of {subject} has a key of epoch {made.epoch}")
    if slot != SEND_SLOT:
        click.echo(f"the key is in {path}: keep the file safe")
