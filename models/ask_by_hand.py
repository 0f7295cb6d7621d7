"""A question by hand: a caseworker has a device asked whether the person is up.

A device answers only questions above the last one that it heard (docs/wire-format.md), in the order of window and
number. So a question by hand is about the latest window that is over, with a number above all that the judgement uses:
it can take no question of an open window away. While the judgement itself asks, no question by hand is needed.

The number grows with the time since the deadline. So nothing has to be kept, and the same question is sent again if
the button is pressed twice.
"""

from enum import StrEnum
from typing import Final

from models.contract.asks import Ask
from models.judgement.windows import moments_of, scheduled
from models.profile import Profile, RegisteredDevice, Span
from models.window import windows_of_days
from models.wire.frame import to_text
from models.wire.keys import KeyRing
from models.wire.question import Question, seal_question
from models.zones import local_day

FIRST_NUMBER: Final = 8
LAST_NUMBER: Final = 255
NUMBER_S: Final = 360  # so the numbers of a window last for a day
VALID_S: Final = 1800
_DAYS: Final = 3       # a window may be open for a day, and its grace may last for another one


class AskRefusal(StrEnum):
    """Why a question by hand cannot be asked."""

    RETIRED = "ask_retired"
    NO_WINDOW = "ask_no_window"
    ASKED_ALREADY = "ask_asked_already"
    NO_DEVICE = "ask_no_device"
    NO_KEY = "ask_no_key"


class NotAskableError(ValueError):
    """The device cannot be asked now."""

    def __init__(self, reason: AskRefusal) -> None:
        super().__init__(reason)
        self.reason = reason


def ask_by_hand(profile: Profile, keys: KeyRing, now: int, slot: int | None = None) -> Ask:
    """The question to a person's device. Raises NotAskableError.

    now: epoch seconds.
    slot: the device; None: the lowest slot that has a telephone number.
    """
    if profile.retired:
        raise NotAskableError(AskRefusal.RETIRED)
    window, deadline = _latest_over(profile, now)
    device = _device(profile, slot)
    cipher = keys.cipher(profile.subject, device)
    if cipher is None:
        raise NotAskableError(AskRefusal.NO_KEY)
    number = min(FIRST_NUMBER + (now - deadline) // NUMBER_S, LAST_NUMBER)
    frame = seal_question(cipher, profile.subject, device.slot, device.epoch, Question(window, number))
    return Ask(
        subject=profile.subject, site=profile.site, gateway=profile.gateway, slot=device.slot, window=window,
        number=number, to=device.msisdn or "", text=to_text(frame), at=now, until=now + VALID_S,
    )


def _spans(profile: Profile, now: int) -> list[tuple[int, Span]]:
    """The windows of the last days and of today, by deadline."""
    today = local_day(profile.schedule.tz, now)
    found = [(window, span) for window in windows_of_days(today - _DAYS, today)
             if (span := scheduled(profile.schedule, window)) is not None]
    return sorted(found, key=lambda one: (one[1].deadline, one[0]))


def _latest_over(profile: Profile, now: int) -> tuple[int, int]:
    """(the latest window that is over, its deadline)."""
    over: tuple[int, int] | None = None
    for window, span in _spans(profile, now):
        if span.deadline <= now:
            over = window, span.deadline
        elif any(at <= now for at in moments_of(span, profile.schedule.grace_min, profile.ask_min)):
            raise NotAskableError(AskRefusal.ASKED_ALREADY)
    if over is None:
        raise NotAskableError(AskRefusal.NO_WINDOW)
    return over


def _device(profile: Profile, slot: int | None) -> RegisteredDevice:
    """The newest device of a slot: the older ones are listed for reports that are on their way."""
    devices = [one for one in profile.devices if one.msisdn is not None and slot in (None, one.slot)]
    if not devices:
        raise NotAskableError(AskRefusal.NO_DEVICE)
    return min(devices, key=lambda one: (one.slot, -one.epoch))
