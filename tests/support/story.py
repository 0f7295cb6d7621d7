"""Stories: judged days as text that a caseworker could read, run through the same fold as `watch`.

    24 09:30  tick                                      an event, with its local time (Seoul) in November 2026
              => 42 24-morning silent                   what must come of it, all of it, in any order
              => 42 no_report 24-morning opened warning

Of what comes of an event reports are not listed, but for late ones. tests/stories/README.md has the words.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.contract.documents import Output
from models.contract.inputs import Record
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.report import FLAG_NAMES, StatusReport
from models.times import format_time, parse_time
from models.wire.frame import seal, to_text
from models.wire.keys import KeyRing, message_key, wrap
from models.wire.payload import encode, encode_attributes

STORIES: Final = sorted((Path(__file__).parents[1] / "stories").glob("*.txt"))
KEK, DEVICE_KEY, SEOUL = bytes(32), bytes(range(16)), timezone(timedelta(hours=9))
_EVENT = re.compile(r"(\d+) (\d\d:\d\d(?::\d\d)?)\s+(.*)")
_RANGE = re.compile(r"\b(\d+)\.\.(\d+)\b")
_CODES = {"unknown": 0, "awake": 1, "not_awake": 2, "out": 3}
_KINDS = ("sos", "fire", "gas", "fall")


@dataclass
class Step:
    """One event of a story, and what must come of it."""

    line: int
    text: str
    expected: list[str] = field(default_factory=list)


def read_story(path: Path) -> list[Step]:
    steps: list[Step] = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = raw.split("#")[0].strip()
        if not text:
            continue
        if text.startswith("=>"):
            steps[-1].expected += each(" ".join(text[2:].split()))
        else:
            steps.append(Step(number, text))
    return steps


def each(text: str) -> list[str]:
    """`1..3` stands for 1, 2 and 3: a text for each."""
    match = _RANGE.search(text)
    if match is None:
        return [text]
    return [text.replace(match[0], str(number)) for number in range(int(match[1]), int(match[2]) + 1)]


def instant(day: str, clock: str) -> int:
    """A local time of November 2026; days above 30 are of December."""
    hour, minute, second = (int(part) for part in f"{clock}:00".split(":")[:3])
    at = datetime(2026, 11, 1, hour, minute, second, tzinfo=SEOUL) + timedelta(days=int(day) - 1)
    return int(at.timestamp())


def window_of(text: str) -> int:
    day, half = text.split("-")
    date = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=int(day) - 1)
    return (date - datetime(2020, 1, 1, tzinfo=UTC)).days * 2 + (half == "afternoon")


def date_of(day: str) -> str:
    return (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=int(day) - 1)).date().isoformat()


class Stage:
    """Plays a story. lane and fold are the real ones; devices count by themselves."""

    def __init__(self) -> None:
        self.lane = LaneState(0)
        self.fold = Fold(KeyRing({"k1": KEK}))
        self._counters: dict[tuple[int, int, int], int] = {}
        self._profiles: dict[int, dict[str, Any]] = {}
        self._last_sms: dict[int, tuple[str, Any, bytes | None]] = {}
        self._last_command: tuple[str, Any, bytes | None] = ("commands", {}, None)
        self._commands = 0
        self._offset = 0

    def play(self, text: str) -> list[str]:
        """What came of one event, in the words of a story."""
        return [line for one in each(text) for output in self.outputs(one) for line in self._words(output)]

    def outputs(self, text: str) -> list[Output]:
        match = _EVENT.fullmatch(text)
        if match is None:
            topic, value, key = self._registry(text.split())
        else:
            at = instant(match[1], match[2])
            verb, *words = match[3].split()
            topic, value, key = {"tick": self._tick, "report": self._report, "attributes": self._attributes,
                                 "again": self._again}.get(verb, self._command)(at, [verb, *words])
        return self.deliver(topic, value, key)

    def deliver(self, topic: str, value: Any, key: bytes | None) -> list[Output]:
        """One record as it is."""
        self._offset += 1
        octets = None if value is None else json.dumps(value).encode()
        return self.fold(self.lane, Record(topic, 0, self._offset, key, octets))

    # Events

    def _registry(self, words: list[str]) -> tuple[str, Any, bytes | None]:
        """registry 42 {"field": …} | tombstone 42"""
        subject = int(words[1])
        key = b"%d" % subject
        if words[0] == "tombstone":
            return "registry", None, key
        profile = self._profiles.setdefault(subject, {
            "subject": subject, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
            "since": "2026-11-01T00:00:00Z", "devices": [self._device(subject, 0, 1)],
            "escalation": [{"after_min": 10, "to": "backup"}, {"after_min": 30, "to": "lead"}]})
        changes = json.loads(" ".join(words[2:])) if len(words) > 2 else {}
        if "slots" in changes:
            changes["devices"] = [self._device(subject, *listed) for listed in changes.pop("slots")]
        profile |= changes
        return "registry", profile, key

    @staticmethod
    def _device(subject: int, slot: int, epoch: int, msisdn: str | None = None) -> dict[str, Any]:
        wrapped = wrap(KEK, bytes(12), DEVICE_KEY, subject, slot, epoch)
        return {"slot": slot, "epoch": epoch, "kek": "k1", "key": b64encode(wrapped).decode(), "msisdn": msisdn}

    @staticmethod
    def _tick(at: int, words: list[str]) -> tuple[str, Any, bytes | None]:
        """tick [clock|GATEWAY] [quiet DAY TIME]"""
        quiet = instant(*words[-2:]) if "quiet" in words else None
        source = words[1] if len(words) > 1 and words[1] != "quiet" else "seoul-1"
        if source == "clock":
            return "sms", {"type": "tick", "source": "clock", "at": format_time(at)}, None
        return "sms", {"type": "tick", "source": "gateway", "gateway": source, "at": format_time(at),
                       "quiet_since": None if quiet is None else format_time(quiet)}, None

    def _report(self, at: int, words: list[str]) -> tuple[str, Any, bytes | None]:
        """report 42 awake for 24-morning …"""
        said = _options(words[2:])
        device_time: int | None = at
        if "device" in said:
            device_time = instant(said["device"][0], said["device"][1])
        if "clock" in said:
            device_time = parse_time(said["clock"][0], "clock")
        if "clockless" in said:
            device_time = None
        alarm, age = (said["alarm"][0], int(said["alarm"][1])) if "alarm" in said else (None, 0)
        codes = [_CODES[code] for code in said["before"][0].split(",")] if "before" in said else []

        def number(name: str) -> int | None:
            return int(said[name][0]) if name in said else None

        payload = encode(StatusReport(
            device_time=device_time,
            window=window_of(said["for"][0]) if "for" in said else None,
            flags=sum(1 << bit for bit, name in enumerate(FLAG_NAMES) if name in said),
            idle_min=number("idle"), first_activity_min=None, battery_pct=number("battery"),
            signal_dbm=number("signal"), temp_c=number("temp"), humidity_pct=None, faults=number("faults") or 0,
            previous=bytes(codes + [0] * (16 - len(codes))),
            alarm=0 if alarm is None else int(alarm) if alarm.isdecimal() else _KINDS.index(alarm) + 1,
            alarm_age_min=age, activity=(number("activity") or 0,) * 24, listens="listens" in said,
            answers=number("answers")))
        return self._sms(at, int(words[1]), said, payload)

    def _attributes(self, at: int, words: list[str]) -> tuple[str, Any, bytes | None]:
        """attributes 42 7=812"""
        pairs = [(int(one.split("=")[0]), int(one.split("=")[1])) for one in words[2:] if "=" in one]
        return self._sms(at, int(words[1]), _options([one for one in words[2:] if "=" not in one]),
                         encode_attributes(pairs))

    def _again(self, at: int, words: list[str]) -> tuple[str, Any, bytes | None]:
        """again 42 …: the last SMS of that subject once more, as providers do."""
        topic, value, key = self._last_sms[int(words[1])]
        return topic, {**value, "received_at": format_time(at), "id": "another"}, key

    def _sms(self, at: int, subject: int, said: dict[str, list[str]], payload: bytes) -> tuple[str, Any, bytes | None]:
        slot, epoch = int(said.get("slot", ["0"])[0]), int(said.get("epoch", ["1"])[0])
        place = (subject, slot, epoch)
        counter = int(said["counter"][0]) if "counter" in said else self._counters.get(place, 0) + 1
        self._counters[place] = max(counter, self._counters.get(place, 0))
        cipher = AESCCM(message_key(DEVICE_KEY, subject, slot, epoch), tag_length=8)
        frame = seal(cipher, subject, slot, epoch, counter, payload)
        value = {"text": to_text(frame), "received_at": format_time(at), "gateway": "seoul-1", "id": f"m{counter}"}
        self._last_sms[subject] = ("sms", value, b"%d" % subject)
        return self._last_sms[subject]

    def _command(self, at: int, words: list[str]) -> tuple[str, Any, bytes | None]:
        """kim acknowledge 42:sos:0.1.1 | kim comment ALERT on my way | kim excuse 42 24 26"""
        if words[1:] == ["repeat"]:
            return self._last_command
        by, verb, target, *rest = words
        self._commands += 1
        document: dict[str, Any] = {"id": f"command-{self._commands}", "type": verb, "by": by, "at": format_time(at)}
        if verb in ("excuse", "unexcuse"):
            document |= {"subject": int(target), "from": date_of(rest[0]), "to": date_of(rest[1])}
        else:
            document |= {"subject": int(target.split(":")[0]), "alert": re.sub(
                r"(\d+)-(morning|afternoon)$", lambda m: f"{date_of(m[1])}:{m[2]}", target)}
            if rest and rest[0].startswith("outcome="):
                document["outcome"] = rest.pop(0).removeprefix("outcome=")
            document |= {"assignee": rest[0]} if verb == "assign" else {"text": " ".join(rest) or None}
        self._last_command = ("commands", document, b"%d" % document["subject"])
        return self._last_command

    # What came of it

    def _words(self, output: Output) -> Iterator[str]:
        value = json.loads(output.value or b"null")
        if output.topic == "quarantine":
            yield f"quarantine {value['reason']}"
        elif output.topic == "alerts":
            yield _alert_words(value)
        elif output.topic == "asks":
            yield f"{value['subject']} {_short(value['window'])} asked {value['number']} at slot {value['slot']}"
        elif value["type"] == "refused":
            yield f"{value['subject']} refused {value['command']} by {value['by']} ({value['reason']})"
        elif value["type"] == "checkin":
            repaired = " repaired" if value["repaired"] else ""
            yield f"{value['subject']} {_short(value['window'])} {value['result']}{repaired}"
        elif value["late"]:
            named = f" {_short(value['window'])}" if value["window"] else ""
            yield f"{value['subject']} late report{named}"


def _alert_words(event: dict[str, Any]) -> str:
    data = event["data"]
    place = f" {_short(data['window'])}" if data["window"] else ""
    words = f"{event['subject']} {data['kind']}{place} {data['change']} {data['severity']}"
    if data["kind"] == "gateway_outage" or data["change"] in ("opened", "held"):
        likely, evidence = data["cause"]["likely"], ", ".join(data["cause"]["evidence"])
        usual = "device" if data["severity"] == "maintenance" else "person"
        if data["kind"] != "gateway_outage" and (likely != usual or (evidence and usual == "person")):
            words += f" because {likely}" + (f": {re.sub(r'T[0-9:]+Z', '', evidence)}" if evidence else "")
    if data["escalated_to"]:
        words += f" to {data['escalated_to']}"
    if data["by"]:
        words += f" by {data['by']}"
    if data["outcome"]:
        words += f" as {data['outcome']}"
    return words + (f" ({data['reason']})" if data["reason"] else "")


def _short(window: str) -> str:
    day, half = window.split(":")
    days = (datetime.fromisoformat(day) - datetime(2026, 11, 1)).days + 1  # noqa: DTZ001 - a date, not a moment
    return f"{days}-{half}"


_TAKES: Final = {"device": 2, "alarm": 2, "clock": 1, "for": 1, "before": 1, "idle": 1, "battery": 1, "signal": 1,
                 "temp": 1, "faults": 1, "counter": 1, "slot": 1, "epoch": 1, "activity": 1, "answers": 1}
_ALONE: Final = frozenset({*FLAG_NAMES, "clockless", "listens"})


def _options(words: list[str]) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word not in _TAKES and word not in _ALONE:
            raise ValueError(f"no word of a story: {word}")
        said[word] = [rest.pop(0) for _ in range(_TAKES.get(word, 0))]
    return said
