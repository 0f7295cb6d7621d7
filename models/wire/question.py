"""A question to a device is a frame under the device's own key: bit 7 of the slot is set in its nonce.

Where a report has its counter, a question has the window and its number. So the same question has the same octets, and
no nonce is used for two texts.
"""

from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.base import Value
from models.report import Header
from models.wire.frame import PLAINTEXT_OCTETS, TO_DEVICE, open_frame, seal

_ASK: Final = b"\x01".ljust(PLAINTEXT_OCTETS, b"\0")


class Question(Value, frozen=True, order=True):
    """A question, as the device reads it. A later one is greater.

    window: the number as on the wire.
    number: the number of the question for this window; 1 to 7 can be answered.
    """

    window: int
    number: int


def seal_question(cipher: AESCCM, subject: int, slot: int, epoch: int, question: Question) -> bytes:
    """The frame of 56 octets. Raises OverflowError if the number is not 0 to 255, or the window not 0 to 65535."""
    place = question.window.to_bytes(2) + question.number.to_bytes(1)
    return seal(cipher, subject, slot, epoch, int.from_bytes(place), _ASK, TO_DEVICE)


def open_question(cipher: AESCCM, header: Header, frame: bytes, epoch: int) -> Question | None:
    """The question, as a device opens it; None: the frame is not authentic under this key and epoch, or no question.

    header: of this frame, from `read_header`.
    """
    if open_frame(cipher, header, frame, epoch, TO_DEVICE) != _ASK:
        return None
    return Question(*divmod(header.counter, 256))
