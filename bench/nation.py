"""All about a made-up person follows from the person's number, for the people of the benchmarks.

So any part of the nation can be made at any place, in any order, without keeping a million people. The expected results
of a morning are known by construction, not by asking the core.
"""

from base64 import b64encode
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.report import AWAKE, OUT, SOS, StatusReport
from models.times import DAY, EPOCH_2020, format_time
from models.wire.frame import TAG_OCTETS, seal, to_text
from models.wire.keys import message_key, wrap
from models.wire.payload import encode

KEK: Final = bytes(range(32))
KEKS: Final = {"k1": KEK}
GATEWAYS: Final = 4
FIRST_DAY: Final = 2519  # 2026-11-24, in days since 2020-01-01
_MIDNIGHT: Final = EPOCH_2020 + FIRST_DAY * DAY - 9 * 3600  # in Seoul
_OPEN_S: Final = (6 * 3600, 13 * 3600)
_CLOSE_S: Final = (9 * 3600, 15 * 3600)
_GRACE_S: Final = 1800
SLOT, EPOCH = 0, 1


class Course(StrEnum):
    """The course of a person's window.

    silent: the device sends nothing.
    sos: the person is awake and presses the button.
    """

    AWAKE = "awake"
    OUT = "out"
    NOT_AWAKE = "not_awake"
    SILENT = "silent"
    SOS = "sos"


_FLAGS: Final = {Course.AWAKE: AWAKE, Course.OUT: OUT, Course.NOT_AWAKE: 0, Course.SOS: AWAKE | SOS}


def course(subject: int) -> Course:
    """The course of a person: 1 % are silent, 1 % do not wake up, 5 % are out, and 1 in 1,000 presses the button."""
    match subject % 100:
        case 0:
            return Course.SILENT
        case 1:
            return Course.NOT_AWAKE
        case 2 | 3 | 4 | 5 | 6:
            return Course.OUT
        case _:
            return Course.SOS if subject % 1000 == 507 else Course.AWAKE


def result(subject: int) -> str:
    """The result of the person's window, as in a check-in."""
    found = course(subject)
    return "awake" if found is Course.SOS else found.value


def alert(subject: int) -> str | None:
    """The kind of the alert that has to open by the deadline; None: no alert."""
    return {Course.SILENT: "no_report", Course.NOT_AWAKE: "not_awake", Course.SOS: "sos"}.get(course(subject))


class Half(NamedTuple):
    """One window of the nation. Times are epoch seconds.

    number: 0 is the first morning, 1 its afternoon.
    """

    number: int

    @property
    def window(self) -> int:
        return FIRST_DAY * 2 + self.number

    @property
    def opens(self) -> int:
        return self._at(_OPEN_S)

    @property
    def closes(self) -> int:
        return self._at(_CLOSE_S)

    @property
    def deadline(self) -> int:
        return self.closes + _GRACE_S

    def _at(self, seconds: tuple[int, int]) -> int:
        return _MIDNIGHT + (self.number >> 1) * DAY + seconds[self.number & 1]


BEFORE: Final = Half(0).opens - 3600  # when the nation is registered: an hour before its first window


def gateway(subject: int) -> str:
    return f"gateway-{subject % GATEWAYS}"


def _octets(what: bytes, subject: int, count: int) -> bytes:
    return blake2b(b"%s %d" % (what, subject), digest_size=count).digest()


def device_key(subject: int) -> bytes:
    return _octets(b"key", subject, 16)


def registry(subject: int) -> bytes:
    """The record of topic `registry`."""
    key = wrap(KEK, _octets(b"nonce", subject, 12), device_key(subject), subject, SLOT, EPOCH)
    return orjson.dumps({
        "subject": subject, "site": f"site-{subject % 64}", "gateway": gateway(subject), "tz": "Asia/Seoul",
        "since": format_time(BEFORE - DAY),
        "windows": {"morning": {"open": "06:00", "close": "09:00"}, "afternoon": {"open": "13:00", "close": "15:00"}},
        "grace_min": 30, "devices": [{"slot": SLOT, "epoch": EPOCH, "kek": "k1", "key": b64encode(key).decode()}],
        "excused": [], "escalation": [{"after_min": 10, "to": "backup"}, {"after_min": 30, "to": "lead"}]})


@lru_cache(maxsize=16_384)
def cipher(subject: int) -> AESCCM:
    return AESCCM(message_key(device_key(subject), subject, SLOT, EPOCH), tag_length=TAG_OCTETS)


def frame(subject: int, half: Half, at: int, says: Course) -> bytes:
    """The frame that the device sends in a window, 56 octets. There is one report a window, so the window's number is
    the counter."""
    activity = _octets(b"activity", subject + half.number, 12)
    return seal(cipher(subject), subject, SLOT, EPOCH, half.number + 1, encode(StatusReport(
        device_time=at - 3, window=half.window, flags=_FLAGS[says], idle_min=subject % 50,
        first_activity_min=400, battery_pct=40 + subject % 60, signal_dbm=-70 - subject % 30, temp_c=18 + subject % 8,
        humidity_pct=30 + subject % 40, firmware=3, config=1,
        activity=tuple(nibble for octet in activity for nibble in (octet >> 4, octet & 15)),
        previous=(b"\1" * min(half.number, 16)).ljust(16, b"\0"))))


def sms(subject: int, half: Half, at: int, says: Course) -> bytes:
    """The record of topic `sms`."""
    return orjson.dumps({
        "type": "sms", "gateway": gateway(subject), "id": f"{subject}-{half.number}", "sender": f"+8212{subject:08d}",
        "recipient": "1666", "text": to_text(frame(subject, half, at, says)), "binary": None,
        "received_at": format_time(at)})


def tick(name: str, at: int) -> bytes:
    return orjson.dumps({"type": "tick", "source": "gateway", "gateway": name, "at": format_time(at)})


def ticks(at: int) -> list[bytes]:
    """One tick of each gateway."""
    return [tick(f"gateway-{number}", at) for number in range(GATEWAYS)]


def reports(people: range, half: Half, *, all_awake: bool = False) -> Iterator[tuple[int, bytes]]:
    """(subject, record of `sms`) of one window, in order of time, spread evenly over it; silent people have none."""
    length, count = half.closes - half.opens, max(len(people), 1)
    for place, subject in enumerate(people):
        says = Course.AWAKE if all_awake else course(subject)
        if says is not Course.SILENT:
            yield subject, sms(subject, half, half.opens + place * length // count, says)
