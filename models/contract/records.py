"""The records of topic `sms` by the contract: an SMS as it arrived, or a tick. Unknown fields are ignored."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import orjson

from models.contract.inputs import Sms, Tick
from models.errors import ContractError
from models.times import parse_date, parse_time

Document = Mapping[str, Any]
LONGEST: Final = 256 * 1024  # octets; an output of a megabyte has room for such a record and all that is said of it
# Characters. An alert repeats a dozen names, some from much older records; a character may take six octets in JSON.
LONGEST_NAME: Final = 4000
MSISDN: Final = re.compile(r"\+\d{7,15}", re.ASCII)  # a telephone number, E.164
LONGEST_ABSENCE: Final = 366  # days from the first date to the last: a year by mistake of the year is no absence


def parse_object(value: bytes) -> dict[str, Any]:
    """The JSON object of a record. Raises ContractError("longer than …", "not JSON" or "not an object")."""
    if len(value) > LONGEST:
        raise ContractError(f"longer than {LONGEST} octets")
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise ContractError("not JSON") from None
    if not isinstance(document, dict):
        raise ContractError("not an object")
    return document


def text_of(document: Document, field: str) -> str:
    """A required text that is not empty."""
    value = document.get(field)
    if not isinstance(value, str) or not value:
        raise ContractError(field)
    return value


def optional_text(document: Document, field: str) -> str | None:
    value = document.get(field)
    if value is not None and not isinstance(value, str):
        raise ContractError(field)
    return value


def name_of(document: Document, field: str) -> str:
    """A required text that alerts, reports and states may repeat: not longer than LONGEST_NAME."""
    value = text_of(document, field)
    if len(value) > LONGEST_NAME:
        raise ContractError(field)
    return value


def optional_name(document: Document, field: str) -> str | None:
    """As `name_of`, but the text may be missing or empty."""
    value = optional_text(document, field)
    if value is not None and len(value) > LONGEST_NAME:
        raise ContractError(field)
    return value


def subject_of(document: Document) -> int:
    """A required subject number, 0 to 2^32 - 1."""
    value = document.get("subject")
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise ContractError("subject")
    return value


def subject_of_key(key: bytes | None) -> int:
    """The subject of a tombstone, which has only its key. Raises ContractError, and no other error on any key."""
    if key is None or not key.isdigit() or len(key) > 10:  # 2^32 - 1 has ten; Python refuses thousands of digits
        raise ContractError("key")
    subject = int(key)
    if key != b"%d" % subject:  # 0042 is no person's key, and erases no person
        raise ContractError("key")
    return subject


def dates_of(document: Document) -> tuple[int, int]:
    """The required dates `from` and `to` of an absence, in days since 2020-01-01, both included (rule 7)."""
    first, last = parse_date(document.get("from"), "from"), parse_date(document.get("to"), "to")
    if not 0 <= last - first <= LONGEST_ABSENCE:
        raise ContractError("to")
    return first, last


def read_time(document: Document, field: str) -> int | None:
    """A time of a record that may be broken elsewhere; None: the time cannot be read."""
    try:
        return parse_time(document.get(field), field)
    except ContractError:
        return None


class _PlainSms(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An SMS in the form in which nearly all gateways write it; here `text` and `received_at` are required."""

    received_at: str
    text: str
    type: str = "sms"
    binary: str | None = None
    gateway: str | None = None
    id: str | None = None
    sender: str | None = None
    recipient: str | None = None


_read_plain: Final = msgspec.json.Decoder(_PlainSms).decode


def read_sms(value: bytes) -> Sms | Tick:
    """The SMS or tick of a record. Raises ContractError.

    A plain record is read in one step by msgspec. `parse_object` and `parse_sms` read any other record, and they define
    what is accepted. msgspec is more lenient outside ASCII and inside unknown fields, so a plain record has neither. It
    is at most as long as a name, so none of its fields is too long.
    """
    if len(value) <= LONGEST_NAME and value.isascii():
        try:
            plain = _read_plain(value)
        except msgspec.MsgspecError:
            plain = None
        if plain is not None and plain.type == "sms":
            return Sms(parse_time(plain.received_at, "received_at"), plain.text, plain.binary, plain.gateway, plain.id,
                       plain.sender)
    return parse_sms(parse_object(value))


def parse_sms(document: Document) -> Sms | Tick:
    """Raises ContractError(field)."""
    kind = document.get("type", "sms")
    if kind == "tick":
        return _parse_tick(document)
    if kind not in ("sms", None):
        raise ContractError("type")
    received_at = parse_time(document.get("received_at"), "received_at")
    text, binary = optional_text(document, "text"), optional_text(document, "binary")
    if text is None and binary is None:
        raise ContractError("text")
    return Sms(received_at, text, binary, optional_name(document, "gateway"), optional_name(document, "id"),
               optional_name(document, "sender"))


def _parse_tick(document: Document) -> Tick:
    source = document.get("source")
    if source not in ("gateway", "clock"):
        raise ContractError("source")
    at = parse_time(document.get("at"), "at")
    if source == "clock":
        return Tick(source, None, at)
    quiet_since = document.get("quiet_since")
    return Tick(source, name_of(document, "gateway"), at,
                None if quiet_since is None else parse_time(quiet_since, "quiet_since"))
