"""A simulated device works like one in a home: it counts, remembers windows and the last alarm, and seals its reports.

If it listens, it answers questions as docs/wire-format.md says. A device that is off in a window hears none.
"""

from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.errors import Rejected
from models.report import AWAKE, FALL, FIRE, GAS, MAINS_LOST, OUT, SOS, StatusReport
from models.wire.frame import HOME_SLOT, TAG_OCTETS, find_frame, read_header, seal, to_text
from models.wire.keys import message_key
from models.wire.payload import encode
from models.wire.question import Question, open_question
from simulator.calendar import AFTERNOON, MORNING, RunCalendar
from simulator.firmware import Firmware
from simulator.homes import EMERGENCY_KINDS, Home, HomeCourse
from simulator.life import Life, PlannedReport
from simulator.network import Sent

EPOCH: Final = 1
_ALARM_FLAGS: Final = {"sos": SOS, "fire": FIRE, "gas": GAS, "fall": FALL}
_SAYS_FLAGS: Final = {"awake": AWAKE, "out": OUT, "not_awake": 0, None: 0}
_CODES: Final = {"awake": 1, "not_awake": 2, "out": 3}
_REMEMBERED: Final = 16
_OLDEST_MIN: Final = 0xFFFF
_MOST_ANSWERS: Final = 8  # of a window
_LAST_NUMBER: Final = 7  # a report has no room for a higher number
_NAMES: Final = {code: says for says, code in _CODES.items()}


class HomeUnit:
    """The home unit of one person.

    key: the device key, 16 octets.
    """

    def __init__(self, home: Home, life: Life, calendar: RunCalendar, key: bytes, firmware: Firmware) -> None:
        self.home, self.life = home, life
        self._calendar, self._listens = calendar, firmware.listens
        self._cipher = AESCCM(message_key(key, home.subject, HOME_SLOT, EPOCH), tag_length=TAG_OCTETS)
        self._counter = 0
        self._windows = {calendar.window(-1, half): _CODES["awake"] for half in (MORNING, AFTERNOON)}
        self._alarm: tuple[str, int] | None = None  # the last alarm: kind and moment
        self._heard = Question(0, 0)  # the last question
        self._answers = 0  # answers to questions of its window

    def reports(self) -> Iterator[Sent]:
        """All planned reports, in order of time."""
        for planned in self.life.reports:
            yield self.send(planned)

    def hear(self, at: int, text: str) -> Question | None:
        """The question of an SMS to the device; None: the device does not answer it."""
        if not self._listens:
            return None
        question = self._opened(text)
        if question is None or question <= self._heard or self._is_off(at):
            return None
        self._answers = self._answers + 1 if question.window == self._heard.window else 1
        self._heard = question
        return question if self._answers <= _MOST_ANSWERS else None

    def _opened(self, text: str) -> Question | None:
        """The question of an SMS; None: the SMS is no question to this device, or not authentic."""
        frame = find_frame(text, None)
        if isinstance(frame, Rejected):
            return None
        header = read_header(frame)
        if (header.subject, header.slot, header.epoch_low) != (self.home.subject, HOME_SLOT, EPOCH & 3):
            return None
        return open_question(self._cipher, header, frame, EPOCH)

    def answer(self, at: int, question: Question) -> Sent:
        """The answer to a question. It names the window only where it says something about the window."""
        window = question.window
        says = _NAMES.get(self._windows.get(window, 0))
        number = question.number if question.number <= _LAST_NUMBER else 0
        sent = self.send(PlannedReport(at, None if says is None else window, says), number)
        return sent._replace(name=f"{self.home.subject}/answer/{window}/{question.number}",
                             deadline=self._calendar.deadline(window))

    def forget_counters(self) -> None:
        """Count from 1 again, as a faulty device does after a loss of power (rule 23)."""
        self._counter = 0

    def _is_off(self, at: int) -> bool:
        """Whether the device is off: in a silent window, until the deadline."""
        window = self._calendar.latest_opened(at)
        course = self.home.courses.get((self._calendar.day_of_window(window), window & 1))
        return course is HomeCourse.SILENT and at <= self._calendar.deadline(window)

    def send(self, planned: PlannedReport, answers: int = 0) -> Sent:
        """Send a report. answers: the number of the question that the report answers; 0: none."""
        home, at = self.home, planned.at
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
        idle = self.life.idle_min(at)
        self._counter += 1
        plaintext = encode(StatusReport(
            device_time=at, window=planned.window, flags=flags | (MAINS_LOST if home.mains_lost else 0), idle_min=idle,
            first_activity_min=self.life.first_activity_min(at), battery_pct=home.battery_pct,
            signal_dbm=home.signal_dbm, temp_c=home.temp_c, humidity_pct=40 + home.subject % 20, firmware=3, config=1,
            activity=self.life.activity(at), previous=previous, alarm=code, alarm_age_min=age,
            listens=self._listens, answers=answers or None))
        text = to_text(seal(self._cipher, home.subject, HOME_SLOT, EPOCH, self._counter, plaintext))
        return Sent(
            at=at, subject=home.subject, counter=self._counter, sender=home.sender, text=text, window=planned.window,
            deadline=None if planned.window is None else self._calendar.deadline(planned.window), says=planned.says,
            idle_min=idle, alarm=self._alarm, flagged=planned.alarm is not None,
            memory=tuple((newest - back, code) for back, code in enumerate(previous, start=1) if code),
            certain=planned.certain, name=f"{home.subject}/{at}")
