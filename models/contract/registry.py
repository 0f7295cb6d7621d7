"""The records of topic `registry`: a record is read whole, or rejected with the field that breaks the contract.

A rejected record leaves the profile as it was.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.contract.records import MSISDN, Document, dates_of, name_of, optional_name, optional_text, subject_of
from models.errors import ContractError
from models.profile import (
    AFTERNOON,
    MORNING,
    REMINDERS,
    WRAPPED_OCTETS,
    AttributeSpec,
    DailyWindow,
    EscalationStep,
    Excuse,
    Profile,
    RegisteredDevice,
    Reminders,
    Schedule,
    Thresholds,
)
from models.times import parse_clock, parse_time

MINUTES_OF_A_DAY: Final = 1440
LONGEST_WAIT_MIN: Final = 1 << 31
MOST_QUESTIONS: Final = 7  # of a window: a report has three bits for the number that it answers
_ATTRIBUTE: Final = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", re.ASCII)
_OF_THE_MACHINE: Final = "localtime"  # zoneinfo loads it, but it may be another zone for each worker
T = TypeVar("T")


def parse_profile(document: Document) -> Profile:
    """Read a profile. Raises ContractError with the field, such as `windows.morning` or `devices[0].key`."""
    retired, grace = document.get("retired"), document.get("grace_min")
    if retired is not None and not isinstance(retired, bool):
        raise ContractError("retired")
    windows = _mapping(document, "windows")
    return Profile(
        subject=subject_of(document),
        site=name_of(document, "site"),
        gateway=name_of(document, "gateway"),
        retired=bool(retired),
        schedule=Schedule(
            tz=_zone(document),
            since=parse_time(document.get("since"), "since"),
            morning=MORNING if windows is None else _window(windows, "morning"),
            afternoon=AFTERNOON if windows is None else _window(windows, "afternoon"),
            grace_min=30 if grace is None else _integer(grace, 0, MINUTES_OF_A_DAY, "grace_min")),
        devices=tuple(_each(document, "devices", _device)),
        excused=tuple(_each(document, "excused", _excuse)),
        escalation=tuple(_each(document, "escalation", _step)),
        thresholds=_thresholds(_mapping(document, "thresholds") or {}),
        attributes=_attributes(_mapping(document, "attributes") or {}),
        ask_min=_ask_min(document.get("ask_min")),
        remind=_reminders(_mapping(document, "remind") or {}),
    )


def _mapping(document: Document, name: str) -> Document | None:
    value = document.get(name)
    if value is not None and not isinstance(value, dict):
        raise ContractError(name)
    return value


def _each(document: Document, name: str, parse: Callable[[Document], T]) -> list[T]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ContractError(name)
    parsed = []
    for i, one in enumerate(value):
        where = f"{name}[{i}]"
        if not isinstance(one, dict):
            raise ContractError(where)
        try:
            parsed.append(parse(one))
        except ContractError as error:
            raise ContractError(f"{where}.{error}") from None
    return parsed


def _integer(value: object, low: int, high: int, name: str) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ContractError(name)
    return value


def _number(value: object, name: str) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ContractError(name)
    return value


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return False
    return True


def _zone(document: Document) -> str:
    name = name_of(document, "tz")
    if _ZONE.fullmatch(name) is None or name == _OF_THE_MACHINE or not _is_zone(name):
        raise ContractError("tz")
    return name


def _window(windows: Document, half: str) -> DailyWindow | None:
    value = windows.get(half)
    if value is None:
        return None
    name = f"windows.{half}"
    if not isinstance(value, dict):
        raise ContractError(name)
    opens, closes = (parse_clock(value.get(end), f"{name}.{end}") for end in ("open", "close"))
    if opens >= closes:
        raise ContractError(f"{name}.close")
    return DailyWindow(opens, closes)


def _device(one: Document) -> RegisteredDevice:
    try:
        key = b64decode(name_of(one, "key"), validate=True)
    except ValueError:
        raise ContractError("key") from None
    if len(key) != WRAPPED_OCTETS:
        raise ContractError("key")
    msisdn = optional_text(one, "msisdn")
    if msisdn is not None and MSISDN.fullmatch(msisdn) is None:
        raise ContractError("msisdn")
    return RegisteredDevice(slot=_integer(one.get("slot"), 0, 7, "slot"),
                            epoch=_integer(one.get("epoch"), 0, (1 << 24) - 1, "epoch"),
                            kek=name_of(one, "kek"), key=key, msisdn=msisdn)


def _excuse(one: Document) -> Excuse:
    excuse = Excuse(*dates_of(one))
    optional_name(one, "reason")
    return excuse


def _step(one: Document) -> EscalationStep:
    return EscalationStep(_integer(one.get("after_min"), 0, LONGEST_WAIT_MIN, "after_min"), name_of(one, "to"))


def _ask_min(value: object) -> tuple[int, ...]:
    """The minutes after the close of a window: rising, at most seven."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_QUESTIONS:
        raise ContractError("ask_min")
    minutes = tuple(_integer(one, 0, MINUTES_OF_A_DAY, "ask_min") for one in value)
    if any(later <= earlier for earlier, later in pairwise(minutes)):
        raise ContractError("ask_min")
    return minutes


def _reminders(document: Document) -> Reminders | None:
    """None: the defaults; a state keeps nothing of them."""
    found = Reminders(**{name: _integer(document[name], 0, LONGEST_WAIT_MIN, f"remind.{name}")
                         for name in ("urgent_min", "other_min") if document.get(name) is not None})
    return None if found == REMINDERS else found


def _thresholds(document: Document) -> Thresholds:
    found: dict[str, int | float] = {}
    for name in ("battery_pct", "signal_dbm", "idle_h", "out_h"):
        if document.get(name) is not None:
            found[name] = _number(document[name], f"thresholds.{name}")
    temperature = document.get("temp_c")
    if temperature is not None:
        if not isinstance(temperature, list) or len(temperature) != 2:
            raise ContractError("thresholds.temp_c")
        found["temp_low"], found["temp_high"] = (_number(one, "thresholds.temp_c") for one in temperature)
        if found["temp_low"] > found["temp_high"]:
            raise ContractError("thresholds.temp_c")
    return Thresholds(**found)


def _attributes(document: Document) -> dict[int, AttributeSpec]:
    specs = {}
    for number, one in document.items():
        where = f"attributes.{number}"
        if _ATTRIBUTE.fullmatch(number) is None or int(number) > 255 or not isinstance(one, dict):
            raise ContractError(where)
        try:
            specs[int(number)] = _attribute(one)
        except ContractError as error:
            raise ContractError(f"{where}.{error}") from None
    return specs


def _attribute(one: Document) -> AttributeSpec:
    scale = 1 if one.get("scale") is None else _number(one["scale"], "scale")
    if scale <= 0:
        raise ContractError("scale")
    bounds = one.get("range")
    if bounds is not None and (not isinstance(bounds, list) or len(bounds) != 2):
        raise ContractError("range")
    low, high = (None, None) if bounds is None else (_number(bound, "range") for bound in bounds)
    return AttributeSpec(name_of(one, "name"), optional_name(one, "unit"), scale, low, high)
