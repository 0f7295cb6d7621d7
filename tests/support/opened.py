"""Reports of a fleet's home units, opened with the keys of its registry."""

from functools import lru_cache
from typing import NamedTuple

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.contract.registry import parse_profile
from models.report import StatusReport
from models.wire.frame import find_frame, open_frame, read_header
from models.wire.keys import KeyRing, parse_keks
from models.wire.payload import decode
from simulator.fleet import Fleet
from simulator.network import Sent


class ReadReport(NamedTuple):
    """What a report says. answers: the number of a question; 0: none."""

    window: int | None
    flags: int
    listens: bool
    answers: int


@lru_cache(maxsize=8)
def _ciphers(fleet: Fleet) -> dict[int, AESCCM]:
    ring = KeyRing(parse_keks(orjson.dumps(fleet.keks())))
    ciphers = {}
    for profile in map(parse_profile, fleet.registry()):
        cipher = ring.cipher(profile.subject, next(device for device in profile.devices if device.slot == 0))
        assert cipher is not None
        ciphers[profile.subject] = cipher
    return ciphers


def cipher_of(fleet: Fleet, subject: int) -> AESCCM:
    """The cipher of a person's home unit."""
    return _ciphers(fleet)[subject]


def opened(fleet: Fleet, sms: Sent) -> ReadReport:
    frame = find_frame(sms.text, None)
    assert isinstance(frame, bytes)
    plaintext = open_frame(cipher_of(fleet, sms.subject), read_header(frame), frame, 1)
    assert plaintext is not None
    report = decode(plaintext, {})
    assert isinstance(report, StatusReport)
    return ReadReport(report.window, report.flags, plaintext[39] & 1 == 1, plaintext[39] >> 1)
