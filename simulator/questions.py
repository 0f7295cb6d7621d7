"""A device reads questions and says in octet 39 of a report which of them it answers (docs/wire-format.md).

A question is a frame with window and number in place of the counter. So the same question has the same octets.
"""

from struct import Struct
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.wire.frame import HEADER_OCTETS, PLAINTEXT_OCTETS, VERSION, find_frame

_TO_DEVICE: Final = 0x80
_QUESTION: Final = 1
_HEADER: Final = Struct(">BIHB")
_NONCE: Final = Struct(">BBIBHBHB")
_OCTET: Final = 39
_LISTENS: Final = 1


class DeviceQuestion(NamedTuple):
    """A question that is authentic. window: as on the wire; number: 1 to 7 of an asking rule, more of a caseworker."""

    window: int
    number: int


def read_question(cipher: AESCCM, subject: int, slot: int, epoch: int, text: str) -> DeviceQuestion | None:
    """The question in an SMS to this device; None: the SMS is none, or not authentic."""
    frame = find_frame(text, None)
    if not isinstance(frame, bytes):
        return None
    first, whom, window, number = _HEADER.unpack_from(frame)
    if (first, whom) != (VERSION << 5 | slot << 2 | epoch & 3, subject):
        return None
    nonce = _nonce(subject, slot, epoch, window, number)
    try:
        plaintext = cipher.decrypt(nonce, frame[HEADER_OCTETS:], frame[:HEADER_OCTETS])
    except InvalidTag:
        return None
    return DeviceQuestion(window, number) if plaintext[0] == _QUESTION else None


def seal_question(cipher: AESCCM, subject: int, slot: int, epoch: int, question: DeviceQuestion) -> bytes:
    """The frame of a question: 56 octets."""
    header = _HEADER.pack(VERSION << 5 | slot << 2 | epoch & 3, subject, *question)
    plaintext = bytes([_QUESTION]).ljust(PLAINTEXT_OCTETS, b"\0")
    return header + cipher.encrypt(_nonce(subject, slot, epoch, *question), plaintext, header)


def with_answer(plaintext: bytes, *, listens: bool, answers: int) -> bytes:
    """A status report that says whether the device listens, and which question it answers; 0: none."""
    return plaintext[:_OCTET] + bytes([answers << 1 | _LISTENS * listens])


def _nonce(subject: int, slot: int, epoch: int, window: int, number: int) -> bytes:
    return _NONCE.pack(VERSION, slot | _TO_DEVICE, subject, epoch >> 16, epoch & 0xFFFF, 0, window, number)
