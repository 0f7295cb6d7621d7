"""A frame becomes an authentic report, or is rejected for one reason, checked in the order of receiving rule 4.

The receiver tries exactly one key: of the current epoch and the epochs next to it, the one with the low two bits in the
header.
"""

from models.errors import Rejected, RejectReason
from models.judgement.about import current_epoch
from models.judgement.person import Person
from models.profile import RegisteredDevice
from models.report import Header, Received
from models.wire.frame import VERSION, open_frame
from models.wire.keys import KeyRing
from models.wire.payload import decode


def receive(header: Header, frame: bytes, person: Person | None, keys: KeyRing) -> Received | Rejected:
    """Verify, decrypt and decode one frame of 56 octets.

    person: the subject of the frame as now known; None: unknown.
    """
    if header.version != VERSION:
        return Rejected(RejectReason.UNSUPPORTED_VERSION, str(header.version))
    if person is None:
        return Rejected(RejectReason.UNKNOWN_SUBJECT, str(header.subject))
    if person.profile.retired:
        return Rejected(RejectReason.RETIRED)
    current = current_epoch(person, header.slot)
    if current is None:
        return Rejected(RejectReason.UNKNOWN_DEVICE, f"slot {header.slot}")
    device = _device(person, header, current)
    if device is None:
        return Rejected(RejectReason.BAD_EPOCH, f"epoch …{header.epoch_low}, current {current}")
    cipher = keys.cipher(header.subject, device)
    plaintext = open_frame(cipher, header, frame, device.epoch) if cipher is not None else None
    if plaintext is None:
        why = "" if cipher is not None else f"the key of {device.kek} does not unwrap"
        return Rejected(RejectReason.NOT_AUTHENTIC, why)
    payload = decode(plaintext, person.profile.attributes)
    if isinstance(payload, Rejected):
        return payload
    return Received(device.slot, device.epoch, header.counter, payload)


def _device(person: Person, header: Header, current: int) -> RegisteredDevice | None:
    for device in person.profile.devices:
        if (device.slot == header.slot and abs(device.epoch - current) <= 1
                and device.epoch & 3 == header.epoch_low):
            return device
    return None
