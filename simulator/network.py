"""The network is imperfect: SMS are lost, come twice, delayed or out of order, and some are forged."""

from base64 import b64encode
from random import Random
from typing import Final, NamedTuple

# How many of each 100 SMS, in a random order, so that the quotas hold for every seed.
LOST, DELAYED, REORDERED, DOUBLED, FORGED = 3, 7, 6, 7, 1
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
    """Decides the fate of every SMS."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._fates: list[str] = []
        self._extras: list[str] = []

    def _deal(self, cards: list[str], **quotas: int) -> str:
        """The next card of a deck of 100. A used-up deck is replaced by a new, shuffled deck."""
        if not cards:
            cards += [name for name, count in quotas.items() for _ in range(count)]
            cards += ["usual"] * (100 - len(cards))
            self._dice.shuffle(cards)
        return cards.pop()

    def carry(self, sms: Sent) -> list[SmsDelivery]:
        """The deliveries of one SMS, in no order: none, one or two, and perhaps a forged SMS."""
        dice = self._dice
        fate = "usual" if sms.certain else self._deal(self._fates, lost=LOST, delayed=DELAYED, reordered=REORDERED)
        extra = self._deal(self._extras, doubled=DOUBLED, forged=FORGED)
        at = sms.at + dice.randint(2, 20)
        if fate == "delayed":
            at = max(at, sms.deadline or at) + dice.randint(5, 360) * 60
        elif fate == "reordered":
            at += dice.randint(120, 1200)
        deliveries = [] if fate == "lost" else [self._delivery(at, sms)]
        if extra == "doubled":
            deliveries += [self._delivery(at + dice.randint(1, 900), sms) for _ in deliveries]
        elif extra == "forged":
            deliveries.append(self._forged(at, sms))
        return deliveries

    def _delivery(self, at: int, sms: Sent) -> SmsDelivery:
        return SmsDelivery(at, f"{self._dice.getrandbits(48):012x}", sms.sender, RECIPIENT, sms.text, sms)

    def _forged(self, at: int, sms: Sent) -> SmsDelivery:
        """A text from elsewhere, a cut frame, or a frame of a sender without the key."""
        choice = self._dice.randrange(3)
        if choice == 0:
            text = self._dice.choice(SPAM)
        elif choice == 1:
            text = sms.text[:self._dice.randint(10, 70)]
        else:
            frame = (0x21).to_bytes(1) + sms.subject.to_bytes(4) + self._dice.randbytes(51)
            text = "W." + b64encode(frame, altchars=b"-.").decode().rstrip("=")
        return SmsDelivery(at, f"{self._dice.getrandbits(48):012x}", sms.sender, RECIPIENT, text, None)
