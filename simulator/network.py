"""The network carries what devices send: SMS are lost, come twice, delayed or out of order, and some are forged.

All of it follows from the names of the SMS (`networks`). A device sends an SMS again as its firmware says.
"""

from base64 import b64encode
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from simulator.firmware import Firmware
from simulator.luck import luck
from simulator.networks import AirMessage, NetworkProfile, fate

RECIPIENT: Final = "1666"
SPAM: Final = ("[광고] 오늘만 특가", "인증번호 482913을 입력하세요", "W.", "W.짧은 조각")


class Sent(NamedTuple):
    """An SMS as a device sent it, and its content. Times are epoch seconds, windows as on the wire.

    deadline: the deadline of the window that the SMS names; None: it names no window.
    says: awake, out, not_awake or None.
    alarm: (kind, moment) of an emergency that the SMS reports, by flag or from memory; None: none.
    flagged: whether the SMS has the flag of an emergency.
    memory: (window, code) of the windows before.
    certain: whether the network delivers the SMS at once.
    name: unique in the fleet, and independent of all SMS before.
    """

    at: int
    subject: int
    counter: int
    sender: str
    text: str
    window: int | None
    deadline: int | None
    says: str | None
    idle_min: int
    alarm: tuple[str, int] | None
    flagged: bool
    memory: tuple[tuple[int, int], ...]
    certain: bool
    name: str = ""


class SmsDelivery(NamedTuple):
    """An SMS as it reaches the gateway.

    sent: the SMS as a device sent it; None: no device of the fleet sent it.
    """

    at: int
    id: str
    sender: str
    recipient: str
    text: str
    sent: Sent | None


class Network:
    """Carries every SMS of a run, each at its own fate.

    seed: runs of one seed have the same luck.
    """

    def __init__(self, profile: NetworkProfile, seed: str, firmware: Firmware) -> None:
        self._profile, self._seed, self._firmware = profile, seed, firmware
        self.copies = 1 + len(firmware.again_min)  # of each report

    def carry(self, sms: Sent) -> list[SmsDelivery]:
        """The deliveries of one SMS and its repetitions, in no order, and perhaps a forged SMS."""
        deliveries = []
        for number, minutes in enumerate((0, *self._firmware.again_min)):
            name = f"{sms.name}/{number}"
            sent_at = sms.at + minutes * 60
            at = self._arrival(name, sms, sent_at)
            extra, wait = luck(self._seed, "extra", name)
            if at is not None:
                deliveries.append(self._delivery(name, at, sms))
                if extra < self._profile.doubled:
                    deliveries.append(self._delivery(f"{name}/double", at + 1 + int(wait * 900), sms))
            if 1 - extra <= self._profile.forged:
                deliveries.append(self._forged(name, at or sent_at, sms))
        return deliveries

    def to_device(self, message: AirMessage) -> int | None:
        """When a message reaches its device, epoch seconds; None: never."""
        return fate(self._profile, self._seed, message).arrives_at

    def _arrival(self, name: str, sms: Sent, at: int) -> int | None:
        """When an SMS arrives; None: never. The device sends a refused SMS again."""
        if sms.certain:
            return at + 2 + int(luck(self._seed, "certain", name)[0] * 19)
        for attempt, sent_at in enumerate(self._attempts(at)):
            found = fate(self._profile, self._seed, AirMessage(f"{name}/{attempt}", sms.subject, sent_at, sms.deadline))
            if not found.refused:
                return found.arrives_at
        return None

    def _attempts(self, at: int) -> Iterator[int]:
        yield at
        for minutes in self._firmware.refused_min:
            at += minutes * 60
            yield at

    def _delivery(self, name: str, at: int, sms: Sent) -> SmsDelivery:
        return SmsDelivery(at, self._id(name), sms.sender, RECIPIENT, sms.text, sms)

    def _forged(self, name: str, at: int, sms: Sent) -> SmsDelivery:
        """A text from elsewhere, a cut frame, or a frame of a sender without the key."""
        dice = Random(f"{self._seed}/forged/{name}")
        choice = dice.randrange(3)
        if choice == 0:
            text = dice.choice(SPAM)
        elif choice == 1:
            text = sms.text[:dice.randint(10, 70)]
        else:
            frame = (0x21).to_bytes(1) + sms.subject.to_bytes(4) + dice.randbytes(51)
            text = "W." + b64encode(frame, altchars=b"-.").decode().rstrip("=")
        return SmsDelivery(at, self._id(f"{name}/forged"), sms.sender, RECIPIENT, text, None)

    def _id(self, name: str) -> str:
        return f"{int(luck(self._seed, 'id', name)[0] * (1 << 48)):012x}"
