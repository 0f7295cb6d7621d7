"""A simulated device works like one in a home: it counts, remembers windows and the last alarm, and seals its reports.
"""

from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.report import AWAKE, FALL, FIRE, GAS, MAINS_LOST, OUT, SOS, StatusReport
from models.wire.frame import HOME_SLOT, TAG_OCTETS, seal, to_text
from models.wire.keys import message_key
from models.wire.payload import encode
from simulator.calendar import AFTERNOON, MORNING, RunCalendar
from simulator.homes import EMERGENCY_KINDS, Home
from simulator.life import Life, PlannedReport
from simulator.network import Sent

EPOCH: Final = 1
_ALARM_FLAGS: Final = {"sos": SOS, "fire": FIRE, "gas": GAS, "fall": FALL}
_SAYS_FLAGS: Final = {"awake": AWAKE, "out": OUT, "not_awake": 0, None: 0}
_CODES: Final = {"awake": 1, "not_awake": 2, "out": 3}
_REMEMBERED: Final = 16
_OLDEST_MIN: Final = 0xFFFF


class HomeUnit:
    """The home unit of one person.

    key: the device key, 16 octets.
    """

    def __init__(self, home: Home, life: Life, calendar: RunCalendar, key: bytes) -> None:
        self._home, self._life, self._calendar = home, life, calendar
        self._cipher = AESCCM(message_key(key, home.subject, HOME_SLOT, EPOCH), tag_length=TAG_OCTETS)
        self._counter = 0
        self._windows = {calendar.window(-1, half): _CODES["awake"] for half in (MORNING, AFTERNOON)}
        self._alarm: tuple[str, int] | None = None  # the last alarm: kind and moment

    def reports(self) -> Iterator[Sent]:
        """All reports that the device sends, in order of time."""
        for planned in self._life.reports:
            yield self._send(planned)

    def _send(self, planned: PlannedReport) -> Sent:
        home, at = self._home, planned.at
        if planned.window is not None and planned.says is not None:
            self._windows[planned.window] = _CODES[planned.says]
        if planned.alarm is not None:
            self._alarm = (planned.alarm, at)
        flags = _SAYS_FLAGS[planned.says] | (_ALARM_FLAGS[planned.alarm] if planned.alarm else 0)
        newest = self._calendar.latest_opened(at) if planned.window is None else planned.window
        previous = bytes(self._windows.get(newest - back, 0) for back in range(1, _REMEMBERED + 1))
        code, age = 0, 0
        if self._alarm is not None:
            code, age = EMERGENCY_KINDS.index(self._alarm[0]) + 1, min((at - self._alarm[1]) // 60, _OLDEST_MIN)
        idle = self._life.idle_min(at)
        self._counter += 1
        plaintext = encode(StatusReport(
            device_time=at, window=planned.window, flags=flags | (MAINS_LOST if home.mains_lost else 0), idle_min=idle,
            first_activity_min=self._life.first_activity_min(at), battery_pct=home.battery_pct,
            signal_dbm=home.signal_dbm, temp_c=home.temp_c, humidity_pct=40 + home.subject % 20, firmware=3, config=1,
            activity=self._life.activity(at), previous=previous, alarm=code, alarm_age_min=age))
        text = to_text(seal(self._cipher, home.subject, HOME_SLOT, EPOCH, self._counter, plaintext))
        return Sent(
            at=at, subject=home.subject, counter=self._counter, sender=home.sender, text=text, window=planned.window,
            deadline=None if planned.window is None else self._calendar.deadline(planned.window), says=planned.says,
            idle_min=idle, alarm=self._alarm, flagged=planned.alarm is not None,
            memory=tuple((newest - back, code) for back, code in enumerate(previous, start=1) if code),
            certain=planned.certain)
