"""A device as it is in the home: it keeps a counter, remembers windows and the last alarm, and seals what it says."""

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.frame import TAG_OCTETS, seal, to_text
from models.keys import message_key
from models.payload import AWAKE, OUT, StatusReport, encode
from simulator.homes import EMERGENCY_KINDS

SLOT, EPOCH = 0, 1
ALARM_FLAGS: Final = {"sos": 4, "fire": 8, "gas": 16, "fall": 32}
_CODES: Final = {"awake": 1, "not_awake": 2, "out": 3}


@dataclass(slots=True)
class Device:
    """subject: whose; key: 16 octets. Times are epoch seconds, windows as on the wire."""

    subject: int
    key: bytes
    battery_pct: int
    mains_lost: bool
    counter: int = 0
    remembered: dict[int, int] = field(default_factory=dict)  # window -> code
    alarm: tuple[str, int] | None = None  # kind and moment
    active_at: int | None = None

    def remember(self, window: int, course: str) -> None:
        """What the device itself saw of a window, sent or not."""
        self.remembered[window] = _CODES[course]

    def report(self, now: int, *, window: int | None, newest: int, flags: int, alarm: str | None = None,
               first_activity_min: int | None = None) -> str:
        """The text of one SMS. newest: the window of now, before which the 16 remembered ones lie."""
        if flags & (AWAKE | OUT):
            self.active_at = now
        if alarm is not None:
            self.alarm = (alarm, now)
            flags |= ALARM_FLAGS[alarm]
        code, age = 0, 0
        if self.alarm is not None:
            code, age = EMERGENCY_KINDS.index(self.alarm[0]) + 1, (now - self.alarm[1]) // 60
        idle = None if self.active_at is None else min((now - self.active_at) // 60, 0xFFFE)
        plaintext = encode(StatusReport(
            device_time=now, window=window, flags=flags | (64 if self.mains_lost else 0), idle_min=idle,
            first_activity_min=first_activity_min, battery_pct=self.battery_pct, signal_dbm=-85, temp_c=21,
            humidity_pct=45, firmware=3, config=1,
            previous=tuple(self.remembered.get(newest - back, 0) for back in range(1, 17)),
            alarm=code, alarm_age_min=min(age, 0xFFFF)))
        self.counter += 1
        cipher = AESCCM(message_key(self.key, self.subject, SLOT, EPOCH), tag_length=TAG_OCTETS)
        return to_text(seal(cipher, self.subject, SLOT, EPOCH, self.counter, plaintext))
