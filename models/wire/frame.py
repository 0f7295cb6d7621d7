"""The frame: 56 octets that fit the smallest SMS in use, authenticated and encrypted.

The cipher is AES-CCM with the parameters of COSE algorithm 10 (RFC 9053, section 4.2: AES-CCM-16-64-128): key 16,
nonce 13, tag 8 octets. The framing is our own. Integers are big-endian.
"""

import re
from base64 import b64decode, b64encode
from binascii import a2b_base64
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.errors import Rejected, RejectReason
from models.report import Header

FRAME_OCTETS: Final = 56
HEADER_OCTETS: Final = 8
PLAINTEXT_OCTETS: Final = 40
TAG_OCTETS: Final = 8
VERSION: Final = 1
HOME_SLOT: Final = 0  # of the first device of a home
SEND_SLOT: Final = 7  # of `anbu send`; no home device has it, so its counters never collide with a device's
FROM_DEVICE: Final = 0  # the bits that the direction adds to the slot in the nonce: no nonce serves both directions
TO_DEVICE: Final = 0x80
_ALPHABET: Final = b"-."  # in place of + and /: same code in ASCII and in GSM 03.38, no escape in a URL
_TO_BASE64: Final = bytes.maketrans(_ALPHABET, b"+/")
_HEADER: Final = Struct(">BIBH")
_NONCE: Final = Struct(">BBIBHI")
_TEXT: Final = re.compile(r"W\.([A-Za-z0-9.-]{75})", re.ASCII)


def find_frames(text: str | None, binary: str | None) -> list[bytes] | Rejected:
    """The frames of 56 octets in the text of an SMS, from left to right, or in an 8-bit SMS (base64).

    The text prevails if it is set. Some carriers join two SMS. The 2 spare bits of the last character are ignored.
    """
    if text is not None:
        frames = [a2b_base64(characters.encode().translate(_TO_BASE64) + b"A")[:FRAME_OCTETS]
                  for characters in _TEXT.findall(text)]
        if frames:
            return frames
        return Rejected(RejectReason.CORRUPT if "W." in text else RejectReason.NO_FRAME)
    try:
        frame = b64decode(binary or "", validate=True)
    except ValueError:
        return Rejected(RejectReason.CORRUPT, "no base64")
    return [frame] if len(frame) == FRAME_OCTETS else Rejected(RejectReason.CORRUPT, f"{len(frame)} octets")


def find_frame(text: str | None, binary: str | None) -> bytes | Rejected:
    """The first frame of an SMS, as `find_frames` has it: it gives the record its key."""
    frames = find_frames(text, binary)
    return frames if isinstance(frames, Rejected) else frames[0]


def read_header(frame: bytes) -> Header:
    first, subject, counter_high, counter_low = _HEADER.unpack_from(frame)
    return Header(first >> 5, first >> 2 & 7, first & 3, subject, counter_high << 16 | counter_low)


def to_text(frame: bytes) -> str:
    """The frame as the text of an SMS: 77 characters."""
    return "W." + b64encode(frame, altchars=_ALPHABET).decode().rstrip("=")


def _nonce(slot: int, subject: int, epoch: int, counter: int) -> bytes:
    """13 octets: version ‖ slot ‖ subject (4) ‖ epoch (3) ‖ counter (4)."""
    return _NONCE.pack(VERSION, slot, subject, epoch >> 16, epoch & 0xFFFF, counter)


def seal(cipher: AESCCM, subject: int, slot: int, epoch: int, counter: int, plaintext: bytes,
         direction: int = FROM_DEVICE) -> bytes:
    """Encrypt 40 octets as a device does. A counter must never be used twice with one key in one direction."""
    header = (VERSION << 5 | slot << 2 | epoch & 3).to_bytes(1) + subject.to_bytes(4) + counter.to_bytes(3)
    return header + cipher.encrypt(_nonce(direction | slot, subject, epoch, counter), plaintext, header)


def open_frame(cipher: AESCCM, header: Header, frame: bytes, epoch: int, direction: int = FROM_DEVICE) -> bytes | None:
    """The 40 octets of plaintext; None: the frame is not authentic under this key and epoch in this direction.

    header: of this frame, from `read_header`.
    """
    nonce = _nonce(direction | header.slot, header.subject, epoch, header.counter)
    try:
        return cipher.decrypt(nonce, frame[HEADER_OCTETS:], frame[:HEADER_OCTETS])
    except InvalidTag:
        return None
