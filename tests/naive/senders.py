"""What the devices of a made-up day send: new reports, answers, resent ones, counters that fell back, spoilt frames."""

from dataclasses import replace

from naive import devices
from naive.day import GATEWAYS, Day, at
from naive.devices import HOUR, MINUTE
from naive.records import Json
from naive.windows import local_day, times, windows_near
from naive.wire import seal


class Senders:
    def __init__(self, day: Day) -> None:
        self.day, self.dice = day, day.dice
        self.counters: dict[tuple[int, int, int], int] = {}
        self.fallen: dict[tuple[int, int, int], int] = {}  # rule 23: the counter of a device that was reset
        self.sent: list[bytes] = []
        self.texts: list[Json] = []

    def report(self) -> Json:
        """An SMS: mostly one new frame."""
        day, dice = self.day, self.dice
        received = day.now - (dice.choice([1, MINUTE, 20 * MINUTE, HOUR]) if dice.random() < 0.1 else 0)
        gateway = dice.choice(GATEWAYS)
        if self.texts and dice.random() < 0.03:  # the same record again, or the same text later
            line = dice.choice(self.texts)
            return line if dice.random() < 0.5 else {
                "topic": "sms", "value": {**line["value"], "received_at": at(received)}}
        frames = [self._frame(received)]
        while dice.random() < day.moods.many:
            frames.append(self._frame(received))
        day.accepted[gateway] = max(received, day.accepted.get(gateway, received))
        line = devices.sms(dice, frames, at(received), gateway, len(day.story))
        self.texts.append(line)
        return line

    def says(self, subject: int, window: int | None, busy: float = 0.0, **moods: float) -> Json:
        """A report of the person's first device, for this window or none; its moods are those of the day but these."""
        mood, device = replace(self.day.moods, **moods), self._first(subject)
        self.skip(subject, 1)
        clock = devices.clock_of(self.dice, self.day.now, mood.wobble)
        plain = devices.status(self.dice, clock, window, busy, mood)[:39] + bytes([self._octet_39(subject)])
        counter = self.fallen.get(device, self.counters.get(device, 0))
        self.sent.append(devices.sealed(*device, counter, plain))
        return devices.sms(self.dice, self.sent[-1:], at(self.day.now), "seoul-1", len(self.day.story))

    def skip(self, subject: int, number: int) -> None:
        """So many counters of the first device are never sent."""
        device = self._first(subject)
        counters = self.fallen if device in self.fallen else self.counters
        counters[device] = counters.get(device, 0) + number

    def _first(self, subject: int) -> tuple[int, int, int]:
        first = (self.day.profiles[subject]["devices"] or [{"slot": 0, "epoch": 1}])[0]
        return (subject, first["slot"], first["epoch"])

    def _frame(self, received: int) -> bytes:
        day, dice = self.day, self.dice
        if self.sent and dice.random() < 0.1:
            return dice.choice(self.sent)
        subject = dice.choice([one for one in day.people if one not in day.silent] or day.people)
        asked = [one["subject"] for one in day.replay.world.asked[-6:] if one["subject"] in day.people]
        if asked and dice.random() < day.moods.answers / 2:
            subject = dice.choice(asked)
        listed = [(one["slot"], one["epoch"]) for one in day.profiles[subject]["devices"]]
        slot, epoch = dice.choice(listed) if listed and dice.random() < 0.97 else (0, 2)
        counter = self._counter((subject, slot, epoch))
        if dice.random() < 0.06:
            plain = devices.attributes(dice)
        else:
            clock = devices.clock_of(dice, received, day.moods.wobble)
            last, window, moods = self._octet_39(subject), self._window(subject), day.moods
            if last & 0x0E and dice.random() < 0.7:  # an answer that says no more than that the device is there
                window, moods = None, replace(moods, awake=0.0)
            plain = devices.status(dice, clock, window, day.busy, moods)[:39] + bytes([last])
        if dice.random() < day.moods.spoilt:
            return self._spoilt(subject, slot, epoch, counter, plain)
        frame = devices.sealed(subject, slot, epoch, counter, plain)
        self.sent.append(frame)
        return frame

    def _counter(self, device: tuple[int, int, int]) -> int:
        """Mostly the next; now and then a reset device begins below, and goes on from there (rule 23)."""
        dice = self.dice
        if device in self.fallen:
            self.fallen[device] += dice.choice([1, 1, 1, 1, 2, 60])
            return self.fallen[device]
        highest = self.counters.get(device, 0)
        if highest and dice.random() < self.day.moods.fallen:
            self.fallen[device] = max(0, highest - dice.choice([0, 1, 2, 5, 100, 300]))
            return self.fallen[device]
        counter = highest + dice.choice([1, 1, 1, 1, 1, 1, 2, 100, 255, 256, 300])
        if dice.random() < 0.15:
            counter = max(0, highest - dice.choice([0, 1, 2, 99, 255, 256, 257]))
        self.counters[device] = max(highest, counter)
        return counter

    def _octet_39(self, subject: int) -> int:
        """Whether the device listens, and which question it answers: the last one, or any."""
        dice, moods = self.dice, self.day.moods
        person = self.day.replay.world.people.get(subject)
        answers = 0
        if person and person["asked"] and dice.random() < moods.answers:
            answers = max(0, person["asked"][-1]["number"] + dice.choice([0, 0, 0, 0, 1, -1])) & 7
        elif dice.random() < 0.03:
            answers = dice.randrange(8)
        return (dice.random() < moods.listens) | answers << 1 | (0x90 if dice.random() < 0.02 else 0)

    def _spoilt(self, subject: int, slot: int, epoch: int, counter: int, plain: bytes) -> bytes:
        """A frame in the subject's name that is refused: another key, slot, epoch, type (rule 14)."""
        what = self.dice.choice(["key", "slot", "epoch", "type", "attribute"])
        if what == "key":
            return seal(bytes(16), subject, slot, epoch, counter, plain)
        if what == "type":
            plain = bytes([self.dice.choice([0, 3])]) + plain[1:]
        if what == "attribute":
            plain = b"\x02\x07\x00".ljust(40, b"\0")
        return devices.sealed(subject, 3 if what == "slot" else slot, epoch + 2 * (what == "epoch"), counter, plain)

    def _window(self, subject: int) -> int | None:
        """What the device says it reports for: mostly the window of now."""
        day, dice = self.day, self.dice
        if dice.random() < 0.2:
            return None
        person = day.replay.world.people.get(subject)
        if person is None or dice.random() < 0.03:
            return dice.choice([0, 0xFFFE, dice.randrange(0xFFFF)])
        today = local_day(day.now, person["profile"]["zone"])
        opened = [window for window in windows_near(person, day.now, day.now)
                  if (mine := times(person, window)) and mine["open"] <= day.now]
        if opened and dice.random() < 0.6:
            return opened[-1]
        there = today + dice.choice([0, 0, 0, 0, -1, -1, -2, -7, -8, -9, 1, 2])
        return there * 2 + dice.randrange(2)
