"""What a device in the home sends, and the schedules of odd people: the building blocks of made-up days (`naive.days`).

Every value is taken near an edge of a rule, and sometimes at random.
"""

import base64
import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any

from naive.records import Json
from naive.wire import FLAGS, YEAR_2020, seal, to_text, wrap

KEKS = {"k1": bytes(range(32)), "k2": bytes(range(32, 64))}
MINUTE, HOUR, DAY = 60, 3600, 86400
YEAR_2025 = 1735689600  # rule "Clocks" (c)
_BOTH = {"morning": {"open": "06:00", "close": "09:00"}, "afternoon": {"open": "13:00", "close": "15:00"}}
SCHEDULES: list[Any] = [
    _BOTH, _BOTH, _BOTH, {"morning": _BOTH["morning"]}, {"afternoon": _BOTH["afternoon"]}, {},
    {"morning": {"open": "00:00", "close": "00:30"}, "afternoon": {"open": "22:00", "close": "23:59"}},
    {"morning": {"open": "02:10", "close": "02:50"}, "afternoon": {"open": "12:00", "close": "23:30"}},
    {"morning": {"open": "02:30", "close": "03:05"}},
    {"morning": {"open": "01:30", "close": "03:10"}, "afternoon": {"open": "03:00", "close": "04:00"}},
    {"morning": {"open": "05:00", "close": "14:00"}, "afternoon": {"open": "13:00", "close": "15:00"}},
    {"morning": {"open": "07:00", "close": "09:30"}, "afternoon": {"open": "13:30", "close": "16:00"}},
    {"morning": {"open": "05:00", "close": "08:00"}, "afternoon": {"open": "12:00", "close": "14:00"}},
    {"morning": {"open": "06:00", "close": "09:00"}, "afternoon": {"open": "08:00", "close": "09:00"}},
    {"morning": {"open": "14:00", "close": "15:00"}, "afternoon": {"open": "06:00", "close": "07:00"}},
]
# Zones with a first day near a change of their clocks, and some that are far from everybody.
ZONES = [("Asia/Seoul", "2026-11-20"), ("Asia/Seoul", "2026-11-20"), ("Europe/Berlin", "2026-10-23"),
         ("Europe/Berlin", "2026-03-27"), ("America/New_York", "2026-10-31"), ("America/New_York", "2026-03-07"),
         ("Australia/Lord_Howe", "2026-10-03"), ("Australia/Lord_Howe", "2026-04-04"),
         ("America/Santiago", "2026-09-05"), ("Africa/Cairo", "2026-04-23"), ("Africa/Cairo", "2026-10-29"),
         ("Asia/Kathmandu", "2026-12-31"), ("Pacific/Kiritimati", "2026-02-27"), ("Pacific/Pago_Pago", "2026-12-30")]
_ATTRIBUTES = {"7": {"name": "co2", "unit": "ppm", "scale": 1, "range": [0, 10000]},
               "8": {"name": "lux", "unit": "lx", "scale": 10, "range": [-5, 100]}}


@dataclass(frozen=True)
class Moods:
    """How often the devices of a made-up day do what a rule is about; each from 0 to 1.

    awake: a report says awake. wobble: a clock is odd. away: the person is out. stuck: the sensor never changes.
    fallen: a counter falls back. listens: a device can be asked. answers: it answers the last question.
    many: a text has more than one frame. spoilt: a frame of another key, slot, epoch or type.
    """

    awake: float
    wobble: float
    away: float
    stuck: float
    fallen: float
    listens: float
    answers: float
    many: float
    spoilt: float


def moods(dice: Random) -> Moods:
    return Moods(awake=dice.choice([0.2, 0.5, 0.5]), wobble=dice.choice([0.0, 0.02, 0.1, 0.3]),
                 away=dice.choice([0.0, 0.0, 0.05, 0.4]), stuck=dice.choice([0.0, 0.0, 0.1, 0.8]),
                 fallen=dice.choice([0.0, 0.0, 0.03, 0.15]), listens=dice.choice([0.0, 0.9, 0.98]),
                 answers=dice.choice([0.0, 0.3, 0.8]), many=dice.choice([0.0, 0.05, 0.3]),
                 spoilt=dice.choice([0.0, 0.0, 0.05, 0.2]))


def device_key(subject: int, slot: int, epoch: int) -> bytes:
    return hashlib.sha256(f"{subject} {slot} {epoch}".encode()).digest()[:16]


def device(subject: int, slot: int, epoch: int, kek: str = "k1") -> Json:
    nonce = hashlib.sha256(f"nonce {subject} {slot} {epoch}".encode()).digest()[:12]
    wrapped = wrap(KEKS[kek], nonce, device_key(subject, slot, epoch), subject, slot, epoch)
    number = {} if subject % 5 == 4 else {"msisdn": f"+8212{subject:04}{slot}"}  # rule 26: some have none
    return {"slot": slot, "epoch": epoch, "kek": kek, "key": base64.b64encode(wrapped).decode(), **number}


def profile(dice: Random, subject: int, zone: str, gateway: str, since: str) -> Json:
    """A registry record: usual where the dice do not want otherwise."""
    value: Json = {"subject": subject, "site": dice.choice(["jongno", "mapo"]), "gateway": gateway, "tz": zone,
                   "since": since, "devices": [device(subject, 0, 1)],
                   "escalation": dice.choice([[], [{"after_min": 10, "to": "backup"}, {"after_min": 30, "to": "lead"}],
                                              [{"after_min": 60, "to": "lead"}, {"after_min": 0, "to": "backup"}],
                                              [{"after_min": 30, "to": "a"}, {"after_min": 30, "to": "b"},
                                               {"after_min": 40, "to": "a"}]])}
    if dice.random() < 0.7:
        value["windows"] = dice.choice(SCHEDULES)
    if dice.random() < 0.5:
        value["grace_min"] = dice.choice([0, 1, 30, 60, 90, 600, 1440])
    if dice.random() < 0.3:
        value["devices"].append(device(subject, dice.choice([1, 7]), dice.choice([0, 2, 5]), "k2"))
    if dice.random() < 0.3:
        value["thresholds"] = dice.choice([{"battery_pct": 30}, {"signal_dbm": -100}, {"idle_h": 1}, {"idle_h": 24},
                                           {"temp_c": [10, 30]}, {"idle_h": 48}, {}, {"out_h": 1}, {"out_h": 12}])
    if dice.random() < 0.4:
        value["remind"] = dice.choice([{}, {"urgent_min": 0}, {"other_min": 0}, {"urgent_min": 5, "other_min": 20},
                                       {"urgent_min": 120, "other_min": 60}])
    if dice.random() < 0.3:
        value["attributes"] = _ATTRIBUTES
    return value


def clock_of(dice: Random, moment: int, wobble: float) -> int:
    """What a device's clock says at about `moment`, as on the wire; 0: unknown. wobble: how often it is odd."""
    sent = moment - dice.choice([0, 1, 7, 7, 7, 60])
    if dice.random() < wobble:
        sent = moment + dice.choice([-1, 1]) * (dice.choice([15 * MINUTE, 30 * MINUTE, HOUR, 12 * HOUR, DAY, 2 * DAY,
                                                             8 * DAY, 9 * DAY]) + dice.choice([-1, 0, 1]))
    elif dice.random() < wobble * 0.2:  # the earliest right clock, and long before
        sent = dice.choice([YEAR_2025 - 1, YEAR_2025, YEAR_2025 + 1, YEAR_2020 + DAY])
    return 0 if dice.random() < wobble * 0.2 else max(1, sent - YEAR_2020)


def status(dice: Random, clock: int, window: int | None, busy: float, moods: Moods) -> bytes:
    """40 octets of type 1, but octet 39; clock: as on the wire; busy: how much else happens in the home."""
    flags = 0
    for bit in range(len(FLAGS)):
        flags |= (dice.random() < (moods.awake if bit == 0 else 0.12 * busy)) << bit
    plain = bytearray(40)
    plain[0] = 1
    plain[1:5] = clock.to_bytes(4, "big")
    plain[5:7] = (0xFFFF if window is None else window).to_bytes(2, "big")
    idle = 0xFFFF if dice.random() < 0.6 else dice.choice([0, 5, 59, 60, 719, 720, 721, 1439, 1440, 1441, 2880, 65534])
    if dice.random() < moods.away:  # rule 24
        flags = flags & ~1 | 2 if dice.random() < 0.9 else flags | 3
        idle = dice.choice([59, 60, 61, 119, 120, 720, 1440, 2159, 2160, 2161, 4319, 4320, 5000])
    plain[7] = flags
    plain[8:10] = idle.to_bytes(2, "big")
    plain[10:12] = dice.choice([0xFFFF, 0, 401, 1439, 1440]).to_bytes(2, "big")
    usual = dice.random() < 0.5
    plain[12] = 80 if usual else dice.choice([0, 14, 15, 19, 20, 24, 25, 29, 30, 39, 40, 100, 101, 255])
    plain[13] = 80 if usual else dice.choice([255, 0, 94, 95, 97, 98, 99, 100, 101, 102, 103, 105, 106, 107, 254])
    plain[14] = 21 if usual else dice.choice([128, 129, 255, 4, 5, 6, 9, 10, 11, 29, 30, 31, 32, 33, 34, 127])
    plain[15] = dice.choice([45, 0, 100, 101, 255])
    plain[16] = dice.randrange(256)
    plain[17] = 0 if dice.random() > 0.15 * busy else dice.choice([1, 5, 255])
    plain[20:32] = dice.randbytes(12)
    if dice.random() < moods.stuck:  # rule 13, `sensor_stuck`
        plain[20:32] = b"\xff" * 12
        plain[8:10] = dice.choice([0, 0, 0, 0, 0, 0xFFFF]).to_bytes(2, "big")
    plain[32:36] = bytes(4) if dice.random() < 0.5 else dice.randbytes(4)
    if dice.random() < 0.3 * busy:
        plain[36] = dice.choice([1, 1, 2, 3, 4, 5, 255])
        plain[37:39] = dice.choice([0, 14, 15, 16, 60, 1439, 1440, 1441, 65535]).to_bytes(2, "big")
    return bytes(plain)


def attributes(dice: Random) -> bytes:
    """40 octets of type 2, good or bad, or of a type that is not there."""
    some = dice.choice([b"\x07\x02\x03\x2c", b"\x08\x01\xf9", b"\xc8\x04\xff\xff\xff\xfb", b"\x07\x02\x7f\xff",
                        b"\x08\x01\x80", b"\x07\x00", b"\x07\x09" + bytes(9), b"", b"\x07\x02\x00\x01\x07\x02\x00\x02"])
    return (bytes([dice.choice([2, 2, 2, 2, 0, 3])]) + some).ljust(40, dice.choice([b"\0", b"\0", b"\x01"]))


def sms(dice: Random, frames: list[bytes], moment: str, gateway: str, number: int) -> Json:
    """The record of an SMS, sometimes damaged on its way; a text may have many frames."""
    frame, text = frames[0], dice.choice(["", " ", "\n", "W.", "ad"]).join(to_text(one) for one in frames)
    binary: str | None = None
    value: Json = {"type": "sms", "gateway": gateway, "id": f"m{number}", "sender": "+8210", "received_at": moment}
    damage = dice.random()
    if damage < 0.03:
        spoilt = bytearray(frame)
        spoilt[dice.randrange(56)] ^= 1 << dice.randrange(8)
        text = to_text(bytes(spoilt)) + text[77:]
    elif damage < 0.05:
        text = dice.choice(["", "W.", "hello", to_text(frame)[:-1], to_text(frame).replace("W.", "w."), "안녕 W.x"])
    elif damage < 0.1:
        binary = base64.b64encode(dice.choice([frame, frame, frame[:-1], frame + b"\0"])).decode()
    elif damage < 0.15:
        text = f"[Web발신]\n{text}@ 080-000"
    return {"topic": "sms", "value": {**value, "text": None if binary else text, "binary": binary}}


def sealed(subject: int, slot: int, epoch: int, counter: int, plain: bytes) -> bytes:
    return seal(device_key(subject, slot, epoch), subject, slot, epoch, counter, plain)
