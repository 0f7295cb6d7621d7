"""`anbu provision`: adds people from a CSV file to the registry. Device keys are made here and wrapped at once.

A second run does no harm: people in the registry keep their devices. Personal data goes to the database alone.
"""

import asyncio
import csv
import re
from pathlib import Path
from typing import NamedTuple

import click

from agents.store import store_of
from cli.broker import SubjectRecord, broker_settings, publish
from cli.devices import DeviceKey, Kek, chosen_kek, kek_option, listed, make_key, with_number, write_keys
from cli.registry import read_profiles
from models.contract.records import MSISDN
from models.contract.registry import parse_profile
from models.errors import ContractError
from models.json_object import JsonObject
from models.window import HALVES
from models.wire.frame import HOME_SLOT, SEND_SLOT
from runtime.settings import Settings
from stores.errors import StoreError
from stores.mongo import CONTACT
from stores.people import People
from streams.topics import REGISTRY

REQUIRED = ("subject", "site", "gateway", "tz", "since")
ASKING = ("msisdn", "ask_min", "escalation", "remind")
OPTIONAL = (*HALVES, "grace_min", *ASKING, *CONTACT)
ASK_MIN = [0, 15, 26]  # of new people: three questions remove nearly all alerts that a lost SMS would open
FIRST_EPOCH = 1
_STEP = re.compile(r"(\d{1,6}) +(\S.*)", re.ASCII)
_SPAN = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)", re.ASCII)


class PersonRow(NamedTuple):
    """A row: the profile, which is judged, and the contact data.

    msisdn: the telephone number of the home unit; None: the row does not name it.
    """

    profile: JsonObject
    contact: dict[str, str]
    msisdn: str | None = None


def read_people(path: Path) -> list[PersonRow]:
    """One person a row. Raises UsageError naming line and column."""
    people: dict[int, PersonRow] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(path, list(reader.fieldnames or ()))
            for row in reader:
                person = _person(f"{path}, line {reader.line_num}", row)
                subject = person.profile["subject"]
                if subject in people:
                    raise click.UsageError(f"{path}, line {reader.line_num}: {subject} appears twice")
                people[subject] = person
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.UsageError(f"{path} is no CSV in UTF-8: {error}") from None
    return list(people.values())


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in (*REQUIRED, *OPTIONAL)]
    if missing:
        raise click.UsageError(f"{path}: the first line must name the columns {', '.join(REQUIRED)}; "
                               f"{', '.join(missing)} is missing")
    if unknown:
        raise click.UsageError(f"{path}: the columns {', '.join(unknown)} are unknown; besides {', '.join(REQUIRED)} "
                               f"there may be {', '.join(OPTIONAL)}")


def _person(where: str, row: JsonObject) -> PersonRow:
    if None in row or None in row.values():
        raise click.UsageError(f"{where}: the number of fields differs from the first line")
    values = {name: value.strip() for name, value in row.items() if value.strip()}
    profile: JsonObject = {name: values[name] for name in REQUIRED if name in values}
    try:
        profile["subject"] = int(values.get("subject", ""))
        if "grace_min" in values:
            profile["grace_min"] = int(values["grace_min"])
    except ValueError:
        raise click.UsageError(f"{where}: subject and grace_min must be numbers") from None
    if any(half in row for half in HALVES):
        profile["windows"] = {half: _span(where, half, values[half]) for half in HALVES if half in values}
    profile |= _alerting(where, values)
    msisdn = values.get("msisdn")
    if msisdn is not None and MSISDN.fullmatch(msisdn) is None:
        raise click.UsageError(f"{where}: msisdn is {msisdn}; write the device's number with + and the country's code, "
                               "such as +821012345678")
    try:
        parse_profile(profile)
    except ContractError as error:
        raise click.UsageError(f"{where}: {error} is missing or wrong") from None
    return PersonRow(profile, {name: values[name] for name in CONTACT if name in values}, msisdn)


def _alerting(where: str, values: dict[str, str]) -> JsonObject:
    """The fields of the profile that say when a device is asked, and when an alert is escalated and repeated."""
    found: JsonObject = {}
    if "ask_min" in values:
        found["ask_min"] = [] if values["ask_min"] == "none" else _minutes(where, "ask_min", values["ask_min"])
    if "remind" in values:
        minutes = _minutes(where, "remind", values["remind"])
        if len(minutes) != 2:
            raise click.UsageError(f"{where}: remind is {values['remind']}; write two numbers of minutes, for urgent "
                                   "and for other alerts, such as 30 240; 0 for never")
        found["remind"] = dict(zip(("urgent_min", "other_min"), minutes, strict=True))
    if "escalation" in values:
        found["escalation"] = [_step(where, step.strip()) for step in values["escalation"].split(";")]
    return found


def _minutes(where: str, column: str, text: str) -> list[int]:
    if not all(one.isascii() and one.isdigit() for one in text.split()):
        raise click.UsageError(f"{where}: {column} is {text}; write minutes with blanks between them")
    return [int(one) for one in text.split()]


def _step(where: str, text: str) -> JsonObject:
    match = _STEP.fullmatch(text)
    if match is None:
        raise click.UsageError(f"{where}: escalation has {text or 'an empty step'}; write minutes and a name, with ; "
                               "between the steps, such as 10 backup; 30 lead")
    return {"after_min": int(match[1]), "to": match[2]}


def _span(where: str, half: str, text: str) -> dict[str, str]:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise click.UsageError(f"{where}: {half} is {text}; write 06:00-09:00, or leave it empty for no window")
    return {"open": match[1], "close": match[2]}


def with_devices(row: PersonRow, known: JsonObject | None, kek: Kek) -> tuple[JsonObject, list[DeviceKey]]:
    """The record to publish, and the keys made for it.

    A known person keeps all fields that the row does not name, devices above all. A new person gets a home unit in
    slot 0, and the questions of ASK_MIN. Every person gets the slot of `anbu send`.
    """
    profile, kept = row.profile, {"ask_min": ASK_MIN} if known is None else known
    devices = list(kept.get("devices") or ())
    slots = {device["slot"] for device in devices}
    made = [make_key(profile["subject"], slot, FIRST_EPOCH) for slot in (HOME_SLOT, SEND_SLOT) if slot not in slots]
    devices += [listed(one, kek) for one in made]
    if row.msisdn is not None:
        devices = with_number(devices, HOME_SLOT, row.msisdn)
    return {**kept, **profile, "devices": devices}, [one for one in made if one.slot == HOME_SLOT]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.csv")
@kek_option
@click.option("--keys", "keys_path", type=click.Path(dir_okay=False, path_type=Path),
              help="Write new device keys to this new file; default: FILE.keys.csv.")
def provision(*, file: Path, kek: str | None, keys_path: Path | None) -> None:
    """Add people to the registry, from a CSV file whose first line names its columns.

    Required columns: subject, site, gateway, tz, since. Optional columns: morning and afternoon (06:00-09:00),
    grace_min, escalation (10 backup; 30 lead), remind (30 240: minutes, for urgent and for other alerts). The optional
    columns name, telephone, address and notes are personal data, which go to the database alone.

    The optional column msisdn is the telephone number of the home unit, which can then be asked whether the person is
    up. ask_min says when: minutes after the close of a window (0 15 26, the default of new people), or none.

    Each new person gets a device key for the home unit (slot 0). The command writes the keys once, to a file for the
    devices: keep the file safe, or delete it when the devices have the keys. People in the registry keep their devices.

    The number of an erased person is never given again. Settings: ANBU_KAFKA, ANBU_KEK_FILE, ANBU_MONGODB.
    """
    people = read_people(file)
    keys_file = keys_path or file.with_suffix(".keys.csv")
    with broker_settings() as settings:
        chosen = chosen_kek(settings, kek)
        known = asyncio.run(read_profiles(settings))
        asyncio.run(_refuse_erased([one.profile["subject"] for one in people
                                    if one.profile["subject"] not in known], settings))
        made = [with_devices(person, known.get(person.profile["subject"]), chosen) for person in people]
        keys = [key for _, of_one in made for key in of_one]
        if keys:
            write_keys(keys_file, keys)
        asyncio.run(publish([SubjectRecord(REGISTRY, profile["subject"], profile) for profile, _ in made], settings))
        contacts = [person for person in people if person.contact]
        if contacts:
            asyncio.run(_keep_contacts(contacts, settings))
    new = sum(person.profile["subject"] not in known for person in people)
    click.echo(f"{len(people)} people are in the registry, {new} of them new")
    if keys:
        click.echo(f"the new device keys are in {keys_file}: keep the file safe")


async def _refuse_erased(subjects: list[int], settings: Settings) -> None:
    """Raises UsageError for an erased number: its old records, alerts above all, would count for the next person."""
    if not subjects:
        return
    store = store_of(settings)
    try:
        erased = await People(store.database).erased(subjects)
    except StoreError as error:
        raise click.ClickException("only the database (ANBU_MONGODB) shows whether these numbers are "
                                   f"free: {error}") from None
    finally:
        store.close()
    if erased:
        raise click.UsageError(f"{', '.join(map(str, sorted(erased)))} was erased: a number is never given again")


async def _keep_contacts(people: list[PersonRow], settings: Settings) -> None:
    store = store_of(settings)
    try:
        for person in people:
            await store.set_contact(person.profile["subject"], person.contact)
    except StoreError as error:
        raise click.ClickException(f"the registry has all people, but the database (ANBU_MONGODB) lacks some names: "
                                   f"{error}; run the command again") from None
    finally:
        store.close()
