"""docs/wire-format.md, read literally: from the text of an SMS to its plaintext and its fields.

Nothing is cached and nothing is shared with `models/`. Octets are `bytes`, times epoch seconds UTC; null is unknown.
"""

import base64
import binascii
import re
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FLAGS = ["awake", "out", "sos", "fire", "gas", "fall", "mains_lost", "low_battery"]
YEAR_2020 = 1577836800  # 2020-01-01T00:00:00Z


class Refused(Exception):
    """The SMS or the command goes to quarantine, for `reason`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def find_frames(text: str | None, binary: str | None) -> list[bytes]:
    """ "On the air": every match in the text, from left to right; the text comes first where it is not null."""
    if text is not None:
        matches = re.findall(r"W\.([A-Za-z0-9.-]{75})", text)
        if matches:
            return [base64.b64decode(match.replace("-", "+").replace(".", "/") + "=") for match in matches]
        raise Refused("corrupt" if "W." in text else "no_frame")
    try:
        frame = base64.b64decode((binary or "").encode(), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("corrupt") from None
    if len(frame) != 56:
        raise Refused("corrupt")
    return [frame]


def header_of(frame: bytes) -> dict[str, int]:
    """The table "Frame": octets 0-7."""
    return {"version": frame[0] >> 5, "slot": frame[0] >> 2 & 7, "epoch_low": frame[0] & 3,
            "subject": int.from_bytes(frame[1:5], "big"), "counter": int.from_bytes(frame[5:8], "big")}


def unwrap(kek: bytes, wrapped: bytes, subject: int, slot: int, epoch: int) -> bytes | None:
    """docs/wire-format.md, "Key wrapping": nonce 12, AES-256-GCM(device key 16), tag 16."""
    data = b"anbu key 1" + subject.to_bytes(4, "big") + slot.to_bytes(1, "big") + epoch.to_bytes(3, "big")
    try:
        return AESGCM(kek).decrypt(wrapped[:12], wrapped[12:], data)
    except (InvalidTag, ValueError):
        return None


def wrap(kek: bytes, nonce: bytes, device_key: bytes, subject: int, slot: int, epoch: int) -> bytes:
    data = b"anbu key 1" + subject.to_bytes(4, "big") + slot.to_bytes(1, "big") + epoch.to_bytes(3, "big")
    return nonce + AESGCM(kek).encrypt(nonce, device_key, data)


def _message_key(device_key: bytes, subject: int, slot: int, epoch: int) -> bytes:
    info = b"anbu wire 1" + subject.to_bytes(4, "big") + slot.to_bytes(1, "big") + epoch.to_bytes(3, "big")
    return HKDF(SHA256(), 16, None, info).derive(device_key)


def _nonce(subject: int, slot: int, epoch: int, counter: int) -> bytes:
    return (b"\x01" + slot.to_bytes(1, "big") + subject.to_bytes(4, "big") + epoch.to_bytes(3, "big")
            + counter.to_bytes(4, "big"))


def open_frame(device_key: bytes, frame: bytes, epoch: int) -> bytes:
    """The 40 octets of the plaintext."""
    head = header_of(frame)
    subject, slot = head["subject"], head["slot"]
    cipher = AESCCM(_message_key(device_key, subject, slot, epoch), tag_length=8)
    try:
        return cipher.decrypt(_nonce(subject, slot, epoch, head["counter"]), frame[8:], frame[:8])
    except InvalidTag:
        raise Refused("not_authentic") from None


def seal(device_key: bytes, subject: int, slot: int, epoch: int, counter: int, plaintext: bytes) -> bytes:
    """What a device sends: the 56 octets."""
    head = (bytes([1 << 5 | slot << 2 | epoch & 3]) + subject.to_bytes(4, "big") + counter.to_bytes(3, "big"))
    cipher = AESCCM(_message_key(device_key, subject, slot, epoch), tag_length=8)
    return head + cipher.encrypt(_nonce(subject, slot, epoch, counter), plaintext, head)


def question(device_key: bytes, subject: int, slot: int, epoch: int, window: int, number: int) -> bytes:
    """ "Questions to the device": bit 7 of the nonce's slot is set, window and number stand in place of the counter."""
    counter = window << 8 | number
    head = bytes([1 << 5 | slot << 2 | epoch & 3]) + subject.to_bytes(4, "big") + counter.to_bytes(3, "big")
    cipher = AESCCM(_message_key(device_key, subject, slot, epoch), tag_length=8)
    return head + cipher.encrypt(_nonce(subject, slot | 0x80, epoch, counter), b"\x01" + bytes(39), head)


def to_text(frame: bytes) -> str:
    return "W." + base64.b64encode(frame, altchars=b"-.").decode().rstrip("=")


def decode(plain: bytes, attributes: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The fields of a report; `type` is 1 or 2."""
    if plain[0] == 1:
        return _status(plain)
    if plain[0] == 2:
        return {"type": 2, "attrs": _attributes(plain, attributes)}
    raise Refused("bad_type", str(plain[0]))


def _status(plain: bytes) -> dict[str, Any]:
    """The table "Plaintext of type 1"; a value out of range counts as unknown and flags the report `range`."""
    outside = False

    def number(first: int, last: int, unknown: int, highest: int) -> int | None:
        nonlocal outside
        value = int.from_bytes(plain[first:last + 1], "big")
        if value == unknown:
            return None
        if value > highest:
            outside = True
            return None
        return value

    clock = int.from_bytes(plain[1:5], "big")
    signal = number(13, 13, 0xFF, 0xFE)
    temperature = int.from_bytes(plain[14:15], "big", signed=True)
    fields: dict[str, Any] = {
        "type": 1, "device_time": clock + YEAR_2020 if clock else None, "window": number(5, 6, 0xFFFF, 0xFFFE),
        "idle_min": number(8, 9, 0xFFFF, 0xFFFE), "first_activity_min": number(10, 11, 0xFFFF, 1439),
        "battery_pct": number(12, 12, 0xFF, 100), "signal_dbm": None if signal is None else -signal,
        "temp_c": None if temperature == -128 else temperature, "humidity_pct": number(15, 15, 0xFF, 100),
        "reset_cause": plain[16], "faults": plain[17], "firmware": plain[18], "config": plain[19],
        "activity": [nibble for octet in plain[20:32] for nibble in (octet >> 4, octet & 15)],
        "previous": [octet >> shift & 3 for octet in plain[32:36] for shift in (6, 4, 2, 0)],
        "alarm": plain[36], "alarm_age_min": int.from_bytes(plain[37:39], "big"),
        "listens": bool(plain[39] & 1), "answers": plain[39] >> 1 & 7 or None,
    }
    fields["flags"] = [name for bit, name in enumerate(FLAGS) if plain[7] >> bit & 1] + ["range"] * outside
    return fields


def _attributes(plain: bytes, known: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Type 2; a bad length or a value outside its range refuses the whole frame."""
    found, at = [], 1
    while at < 40 and plain[at] != 0:
        number = plain[at]
        length = plain[at + 1] if at + 1 < 40 else 0
        if not 1 <= length <= 8 or at + 2 + length > 40:
            raise Refused("out_of_range", f"attribute {number}: length")
        value = int.from_bytes(plain[at + 2:at + 2 + length], "big", signed=True)
        at += 2 + length
        if number not in known:
            found.append({"k": str(number), "v": value, "u": None})
            continue
        row = known[number]
        scaled = value / (row.get("scale") or 1)
        if row.get("range") is not None and not row["range"][0] <= scaled <= row["range"][1]:
            raise Refused("out_of_range", f"attribute {number}")
        found.append({"k": row["name"], "v": scaled, "u": row.get("unit")})
    return found
