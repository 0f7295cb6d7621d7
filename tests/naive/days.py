"""Made-up, nasty days as input of `anbu replay`, the same for the same seed.

The oracle runs along, so that the next moment can be chosen just before, at, or just after what is due next (openings,
deadlines, escalations, reopenings, outages), and commands speak of alerts that are there.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from naive import devices
from naive.devices import DAY, HOUR, KEKS, MINUTE
from naive.oracle import Replay
from naive.records import Json, format_day, format_window, parse_registry
from naive.windows import local_day, times, windows_near

GATEWAYS = ["seoul-1", "busan-1", "silent-1"]  # the last one never ticks


def made_up(seed: int, events: int = 60) -> list[Json]:
    """The lines of some days of a few people, or of a crowd where the gateway's rules are at stake."""
    return _Days(seed).lines(events)


def at(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Days:
    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.replay = Replay(KEKS)
        self.zone, first_day = self.dice.choice(devices.ZONES)
        self.now = int(datetime.fromisoformat(first_day + "T00:00:00+00:00").timestamp()) + self.dice.randrange(DAY)
        self.crowd = self.dice.random() < 0.25
        self.people = list(range(1, self.dice.randint(11, 16) if self.crowd else self.dice.randint(2, 4)))
        self.clock = self.dice.random() < 0.8  # else no clock ticks, and a silent gateway never comes to judge
        self.busy = self.dice.choice([0.0, 0.3, 1.0, 3.0])
        self.changes = self.dice.choice([0.0, 0.02, 0.1])
        self.pace = self.dice.choice([HOUR, 4 * HOUR, 10 * HOUR, 40 * HOUR])
        self.story: list[Json] = []
        self.profiles: dict[int, Json] = {}
        self.counters: dict[tuple[int, int, int], int] = {}
        self.sent: list[bytes] = []
        self.commands: list[Json] = []

    def lines(self, events: int) -> list[Json]:
        for subject in self.people:
            self._register(subject, "2026-01-01T00:00:00Z")
        while len(self.story) < events + len(self.people):
            for line in self._event():
                self._add(line)
        return self.story

    def _add(self, line: Json) -> None:
        self.story.append(line)
        self.replay.add(line)

    def _register(self, subject: int, since: str) -> None:
        gateway = self.dice.choice(["seoul-1"] * 12 + GATEWAYS if self.crowd else [*GATEWAYS[:2], *GATEWAYS])
        value = devices.profile(self.dice, subject, self.zone, gateway, since)
        if self.crowd:
            value |= {"windows": devices.SCHEDULES[0], "grace_min": 30}
        self._registry(value)

    def _registry(self, value: Json) -> None:
        self.profiles[value["subject"]] = value
        self._add({"topic": "registry", "value": value})

    def _moments(self) -> Iterator[int]:
        """What is due at some time, by the rules."""
        world = self.replay.world
        for person in world.people.values():
            for window in windows_near(person, self.now, self.now):
                mine = times(person, window)
                yield from (mine["open"], mine["deadline"], mine["deadline"] + MINUTE) if mine else ()
            for alert in person["alerts"].values():
                yield from (alert["start"] + 10 * MINUTE, alert["start"] + 30 * MINUTE, alert["start"] + HOUR)
                yield from (alert[name] + after for name, after in (("cleared_at", 30 * MINUTE),
                            ("acknowledged_at", 5 * MINUTE)) if alert[name])
        for incident in world.incidents:
            yield incident["opened_at"] + HOUR
        for tick in world.gateway_ticks.values():
            yield from (tick + 3 * MINUTE, tick + 3 * MINUTE + 1)

    def _move(self) -> None:
        """Time goes on to just before, at, or after what is due, or by some minutes."""
        soon = sorted({moment for moment in self._moments() if self.now < moment <= self.now + self.pace})
        if soon and self.dice.random() < 0.6:
            self.now = max(self.now, self.dice.choice(soon[:6]) + self.dice.choice([-1, 0, 0, 0, 1, 5, MINUTE]))
        else:
            self.now += self.dice.choice([0, 0, 1, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR,
                                          self.dice.randrange(self.pace)])

    def _event(self) -> Iterator[Json]:
        if self.dice.random() < 0.7:
            self._move()
        kind = self.dice.random()
        if kind < self.changes:
            yield from self._change()
        elif kind < 0.45:
            yield from self._ticks()
        elif kind < 0.85 and not (self.crowd and self.dice.random() < 0.3):
            yield self._report()
        elif kind < 0.95:
            yield self._command()
        elif kind < 0.97:
            yield self._nonsense()

    def _ticks(self) -> Iterator[Json]:
        moment = self.now
        if self.dice.random() < 0.1:  # repeated, or from the past
            moment -= self.dice.choice([0, 1, MINUTE, 2 * MINUTE, HOUR])
        for gateway in self.dice.sample(GATEWAYS[:2], self.dice.choice([1, 1, 2])):
            if self.dice.random() < 0.8:
                yield {"topic": "sms", "value": {"type": "tick", "source": "gateway", "gateway": gateway,
                                                 "at": at(moment)}}
        if self.clock and self.dice.random() < 0.35:
            yield {"topic": "sms", "value": {"type": "tick", "source": "clock",
                                             "at": at(self.now + self.dice.choice([0, 0, 30, 61]))}}

    def _window(self, subject: int) -> int | None:
        """What the device says it reports for: mostly the window of now."""
        if self.dice.random() < 0.2:
            return None
        person = self.replay.world.people.get(subject)
        if person is None or self.dice.random() < 0.03:
            return self.dice.choice([0, 0xFFFE, self.dice.randrange(0xFFFF)])
        today = local_day(self.now, person["profile"]["zone"])
        opened = [window for window in windows_near(person, self.now, self.now)
                  if (mine := times(person, window)) and mine["open"] <= self.now]
        if opened and self.dice.random() < 0.6:
            return opened[-1]
        day = today + self.dice.choice([0, 0, 0, 0, -1, -1, -2, -7, -8, -9, 1, 2])
        return day * 2 + self.dice.randrange(2)

    def _report(self) -> Json:
        received = self.now - (self.dice.choice([1, MINUTE, 20 * MINUTE, HOUR]) if self.dice.random() < 0.1 else 0)
        gateway = self.dice.choice(GATEWAYS)
        if self.sent and self.dice.random() < 0.1:
            frame = self.dice.choice(self.sent)
        else:
            subject = self.dice.choice(self.people)
            listed = [(one["slot"], one["epoch"]) for one in self.profiles[subject]["devices"]]
            slot, epoch = self.dice.choice(listed) if listed and self.dice.random() < 0.97 else (0, 2)
            highest = self.counters.get((subject, slot, epoch), 0)
            counter = highest + self.dice.choice([1, 1, 1, 1, 1, 1, 2, 100, 255, 256, 300])
            if self.dice.random() < 0.15:
                counter = max(0, highest - self.dice.choice([0, 1, 2, 99, 255, 256, 257]))
            self.counters[subject, slot, epoch] = max(highest, counter)
            plain = (devices.attributes(self.dice) if self.dice.random() < 0.06 else
                     devices.status(self.dice, received, self._window(subject), self.busy))
            frame = devices.sealed(subject, slot, epoch, counter, plain)
            self.sent.append(frame)
        return devices.sms(self.dice, frame, at(received), gateway, len(self.story))

    def _command(self) -> Json:
        if self.commands and self.dice.random() < 0.1:
            return {"topic": "commands", "value": self.dice.choice(self.commands)}
        person = self.replay.world.people.get(self.dice.choice(self.people))
        if person is None:
            person = self.dice.choice(list(self.replay.world.people.values()) or [{"subject": 99, "alerts": {}}])
        subject, kind = person["subject"], self.dice.choice(["acknowledge", "acknowledge", "assign", "comment",
                                                             "resolve", "resolve", "excuse", "unexcuse"])
        value: Json = {"id": f"c{len(self.story)}", "type": kind, "subject": subject,
                       "by": self.dice.choice(["kim", "lee"]),
                       "at": at(self.now + self.dice.choice([0] * 9 + [-HOUR]))}
        if kind in ("excuse", "unexcuse"):
            first = local_day(self.now, person["profile"]["zone"] if "profile" in person else parse_registry(
                self.profiles[self.people[0]])["zone"]) + self.dice.choice([-2, -1, 0, 0, 0, 1])
            value |= {"from": format_day(first), "to": format_day(first + self.dice.choice([0, 0, 1, 3]))}
        else:
            alive = [name for name, alert in person["alerts"].items() if alert["active"]]
            names = alive if alive and self.dice.random() < 0.85 else [
                *person["alerts"], f"{subject}:no_report:2026-01-01:morning", "gateway_outage:seoul-1:last:never"]
            value["alert"] = self.dice.choice(names)
        if kind == "assign":
            value["assignee"] = self.dice.choice(["kim", "lee"])
        if kind == "comment" or self.dice.random() < 0.3:
            value["text"] = "on my way"
        self.commands.append(value)
        return {"topic": "commands", "value": value}

    def _change(self) -> Iterator[Json]:
        """The registry: a schedule, a gateway, a device, an excuse, a retirement, an erasure."""
        subject = self.dice.choice(self.people)
        value = dict(self.profiles[subject])
        what = self.dice.choice(["windows", "windows", "grace_min", "gateway", "thresholds", "escalation", "excused",
                                 "excused", "retired", "retired", "epoch", "slot", "tombstone", "again", "tz", "since",
                                 "site", "new", "move", "move"])
        made_anew = devices.profile(self.dice, subject, self.zone, self.dice.choice(GATEWAYS), at(self.now))
        today = local_day(self.now, parse_registry(value)["zone"])
        match what:
            case "tombstone":
                yield {"topic": "registry", "key": str(subject), "value": None}
                return
            case "new":
                value = made_anew | {"devices": value["devices"]}
            case "move":  # and other hours before the new gateway has ticked
                value = value | {"gateway": self.dice.choice(GATEWAYS)}
                yield {"topic": "registry", "value": value}
                value = value | {"windows": self.dice.choice([{}, *devices.SCHEDULES])}
            case "retired":
                value["retired"] = not value.get("retired", False)
            case "excused":
                first = today + self.dice.choice([-2, -1, 0, 0, 1, 2])
                value["excused"] = self.dice.choice([[], [{"from": format_day(first), "to": format_day(first + 1)}]])
            case "epoch":
                slots = [one["slot"] for one in value["devices"]] or [0]
                value["devices"] = [*value["devices"], self._new_device(subject, self.dice.choice(slots))][-3:]
            case "slot" if self.dice.random() < 0.6:
                value["devices"] = [*value["devices"], self._new_device(subject, 2)]
            case "slot":
                value["devices"] = value["devices"][1:]
            case "tz":
                value["tz"] = self.dice.choice([zone for zone, _ in devices.ZONES])
            case "since":
                value["since"] = at(self.now + self.dice.choice([-DAY, -HOUR, 0, HOUR, DAY]))
            case "again":
                pass
            case _:
                value.pop(what, None)
                value |= {what: made_anew[what]} if what in made_anew else {}
        self.profiles[subject] = value
        yield {"topic": "registry", "value": value}

    def _new_device(self, subject: int, slot: int) -> Json:
        """Epochs of a slot are never reused."""
        used = [one["epoch"] for line in self.story if line["topic"] == "registry" and line.get("value")
                for one in line["value"].get("devices", []) if line["value"]["subject"] == subject
                and one.get("slot") == slot]
        return devices.device(subject, slot, max(used, default=0) + 1)

    def _nonsense(self) -> Json:
        """A record that breaks the contract."""
        subject, topic = self.dice.choice(self.people), self.dice.choice(["sms", "registry", "commands"])
        raw = self.dice.choice([b"{", b"[1]", b"null", b"17", b"\xff\xfe", b'{"a":1}', b'"W."'])
        if raw == b"null" and topic == "registry":
            raw = b"{"
        broken: list[Json] = [
            {"topic": topic, "raw": base64.b64encode(raw).decode(), "key": str(subject)},
            {"topic": "sms", "value": {"type": "tick", "source": "gateway", "at": at(self.now)}},
            {"topic": "sms", "value": {"type": "tick", "source": "moon", "at": at(self.now)}},
            {"topic": "sms", "value": {"type": "tick", "source": "clock"}},
            {"topic": "sms", "value": {"type": "letter", "text": "W.", "received_at": at(self.now)}},
            {"topic": "sms", "value": {"text": None, "binary": None, "received_at": at(self.now), "sender": "+82"}},
            {"topic": "sms", "value": {"text": "W.", "received_at": at(self.now)[:-1], "sender": "+82"}},
            {"topic": "commands", "value": {"id": "x", "type": "resolve", "subject": subject, "by": "kim",
                                            "at": at(self.now)}},
            {"topic": "commands", "value": {"id": "y", "type": "resolve", "subject": 99, "by": "kim",
                                            "at": at(self.now), "alert": f"99:no_report:{format_window(5000)}"}},
            {"topic": "registry", "value": {**self.profiles[subject], **self.dice.choice([
                {"tz": "Mars/Base"}, {"since": "yesterday"}, {"gateway": None}, {"retired": "no"}, {"grace_min": -1},
                {"windows": {"morning": {"open": "09:00", "close": "09:00"}}}, {"subject": -1}, {"devices": [{}]},
                {"excused": [{"from": "2026-02-30", "to": "2026-03-01"}]}, {"escalation": [{"to": "lead"}]}])}}]
        return self.dice.choice(broken)
