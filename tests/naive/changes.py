"""What the centre does in a made-up day: commands, changes of the registry, and records that break contracts."""

import base64
from collections.abc import Iterator

from naive import devices
from naive.day import GATEWAYS, Day, at
from naive.devices import DAY, HOUR
from naive.records import Json, format_day, format_window, parse_registry
from naive.windows import local_day

COMMANDS = ["acknowledge", "acknowledge", "acknowledge", "unacknowledge", "assign", "comment", "resolve", "resolve",
            "reopen", "reopen", "excuse", "excuse", "unexcuse", "unexcuse"]


class Changes:
    def __init__(self, day: Day) -> None:
        self.day, self.dice = day, day.dice
        self.commands: list[Json] = []

    def command(self) -> Json:
        day, dice = self.day, self.dice
        if self.commands and dice.random() < 0.1:
            return {"topic": "commands", "value": dice.choice(self.commands)}
        incidents = day.replay.world.incidents
        if incidents and dice.random() < 0.1:
            return self._incident_command(dice.choice(incidents))
        person = day.replay.world.people.get(day.somebody())
        with_alerts = [one for one in day.replay.world.people.values() if one["alerts"]]
        if with_alerts and dice.random() < 0.6:
            person = dice.choice(with_alerts)
        if person is None:
            person = dice.choice(list(day.replay.world.people.values()) or [{"subject": 99, "alerts": {}}])
        kind = self._kind(person)
        value: Json = {**self._heading(kind), "subject": person["subject"]}
        if kind in ("excuse", "unexcuse"):
            value |= self._dates(person)
        else:
            value["alert"] = self._alert(person, kind)
        return self._said(value)

    def _kind(self, person: Json) -> str:
        """Now and then what undoes the last command on the person."""
        undo = {"acknowledge": "unacknowledge", "resolve": "reopen", "excuse": "unexcuse"}
        earlier = [one["type"] for one in self.commands if one.get("subject") == person["subject"]]
        if earlier and earlier[-1] in undo and self.dice.random() < 0.4:
            return undo[earlier[-1]]
        return self.dice.choice(COMMANDS)

    def _heading(self, kind: str) -> Json:
        return {"id": f"c{len(self.day.story)}", "type": kind, "by": self.dice.choice(["kim", "lee"]),
                "at": at(self.day.now + self.dice.choice([0] * 9 + [-HOUR]))}

    def _said(self, value: Json) -> Json:
        dice = self.dice
        if value["type"] == "assign":
            value["assignee"] = dice.choice(["kim", "lee"])
        if value["type"] == "comment" or dice.random() < 0.3:
            value["text"] = "on my way"
        if value["type"] in ("comment", "resolve") and dice.random() < 0.4:
            value["outcome"] = dice.choice(["fine", "fine", "at_hospital", "a" * 40, "a" * 41, "Fine", ""])
        self.commands.append(value)
        return {"topic": "commands", "value": value}

    def _incident_command(self, incident: Json) -> Json:
        kind = self.dice.choice(["acknowledge", "acknowledge", "assign", "comment"])
        return self._said({**self._heading(kind), "gateway": incident["gateway"], "alert": incident["id"]})

    def _dates(self, person: Json) -> Json:
        """Today and the days around, or those of an earlier excuse."""
        earlier = [one for one in self.commands if one.get("subject") == person["subject"] and "from" in one]
        if earlier and self.dice.random() < 0.5:
            return {name: earlier[-1][name] for name in ("from", "to")}
        zone = (person["profile"] if "profile" in person else parse_registry(self.day.profiles[1]))["zone"]
        first = local_day(self.day.now, zone) + self.dice.choice([-2, -1, 0, 0, 0, 1])
        last = first + self.dice.choice([0] * 8 + [1] * 4 + [3, 3, 366, 367])
        return {"from": format_day(first), "to": format_day(last)}

    def _alert(self, person: Json, kind: str) -> str:
        """Mostly one of which the command may speak."""
        wanted = [name for name, alert in person["alerts"].items() if alert["active"] == (kind != "reopen")]
        if kind == "unacknowledge":
            wanted = [name for name in wanted if person["alerts"][name]["acknowledged_by"]] or wanted
        if kind == "reopen":
            wanted = [name for name in wanted if person["alerts"][name]["cleared_reason"] == "resolved"] or wanted
        if wanted and self.dice.random() < 0.85:
            return str(self.dice.choice(wanted[-3:]))
        return str(self.dice.choice([*person["alerts"], f"{person['subject']}:no_report:2026-01-01:morning",
                                     "gateway_outage:seoul-1:last:never"]))

    def registry(self) -> Iterator[Json]:
        """A schedule, a gateway, a device, an excuse, a retirement, an erasure."""
        day, dice = self.day, self.dice
        subject = day.somebody()
        value = dict(day.profiles[subject])
        what = dice.choice(["windows", "windows", "grace_min", "gateway", "thresholds", "escalation", "excused",
                            "excused", "excused", "retired", "retired", "epoch", "slot", "tombstone", "again", "tz",
                            "since", "site", "new", "move", "move", "remind", "ask_min"])
        if day.crowd and dice.random() < 0.5:  # people come from another gateway, which is behind
            what = "gateway"
        made_anew = devices.profile(dice, subject, day.zone, dice.choice(GATEWAYS), at(day.now))
        today = local_day(day.now, parse_registry(value)["zone"])
        match what:
            case "tombstone":
                yield {"topic": "registry", "key": str(subject), "value": None}
                return
            case "new":
                value = made_anew | {"devices": value["devices"]}
            case "move":  # and other hours before the new gateway has ticked
                value = value | {"gateway": dice.choice(GATEWAYS)}
                yield {"topic": "registry", "value": value}
                value = value | {"windows": dice.choice([{}, *devices.SCHEDULES])}
            case "retired":
                value["retired"] = not value.get("retired", False)
            case "excused":
                first = today + dice.choice([-2, -1, 0, 0, 1, 2])
                value["excused"] = dice.choice([[], [{"from": format_day(first), "to": format_day(first + 1)}]])
            case "ask_min":
                value["ask_min"] = dice.choice([[], [0, 15, 26], [5], [1, 2, 3, 4, 5, 6, 7]])
            case "epoch":
                slots = [one["slot"] for one in value["devices"]] or [0]
                value["devices"] = [*value["devices"], self._new_device(subject, dice.choice(slots))][-3:]
            case "slot" if dice.random() < 0.6:
                value["devices"] = [*value["devices"], self._new_device(subject, 2)]
            case "slot":
                value["devices"] = value["devices"][1:]
            case "tz":
                value["tz"] = dice.choice([zone for zone, _ in devices.ZONES])
            case "since":
                value["since"] = at(day.now + dice.choice([-DAY, -HOUR, 0, HOUR, DAY]))
            case "again":
                pass
            case _:
                value.pop(what, None)
                value |= {what: made_anew[what]} if what in made_anew else {}
        day.profiles[subject] = value
        yield {"topic": "registry", "value": value}

    def _new_device(self, subject: int, slot: int) -> Json:
        """Epochs of a slot are never reused."""
        used = [one["epoch"] for line in self.day.story if line["topic"] == "registry" and line.get("value")
                for one in line["value"].get("devices", []) if line["value"]["subject"] == subject
                and one.get("slot") == slot]
        return devices.device(subject, slot, max(used, default=0) + 1)

    def nonsense(self) -> Json:
        """A record that breaks the contract."""
        day, dice = self.day, self.dice
        subject, topic, now = day.somebody(), dice.choice(["sms", "registry", "commands"]), at(day.now)
        raw = dice.choice([b"{", b"[1]", b"null", b"17", b"\xff\xfe", b'{"a":1}', b'"W."'])
        if raw == b"null" and topic == "registry":
            raw = b"{"
        tick: Json = {"type": "tick", "source": "gateway", "gateway": "seoul-1", "at": now}
        far = (day.replay.world.highest or day.now) + 366 * DAY + 1
        resolve: Json = {"id": f"x{len(day.story)}", "type": "resolve", "subject": subject, "by": "kim", "at": now}
        broken: list[Json] = [
            {"topic": topic, "raw": base64.b64encode(raw).decode(), "key": str(subject)},
            *({"topic": "sms", "value": value} for value in (
                {"type": "tick", "source": "gateway", "at": now}, {"type": "tick", "source": "moon", "at": now},
                {"type": "tick", "source": "clock"}, {**tick, "quiet_since": "late"},
                *([{**tick, "at": at(far)}] if day.replay.world.highest else []),
                {"type": "letter", "text": "W.", "received_at": now},
                {"text": None, "binary": None, "received_at": now, "sender": "+82"},
                {"text": "W.", "received_at": now[:-1], "sender": "+82"})),
            *({"topic": "commands", "value": value} for value in (
                resolve, {**resolve, "alert": f"99:no_report:{format_window(5000)}", "subject": 99},
                {**resolve, "type": "wake", "alert": "x"},
                {**resolve, "type": "excuse", "subject": 99, "from": "2026-11-01", "to": "2026-11-02"})),
            {"topic": "registry", "value": {**day.profiles[subject], **dice.choice([
                {"tz": "Mars/Base"}, {"since": "yesterday"}, {"gateway": None}, {"retired": "no"}, {"grace_min": -1},
                {"windows": {"morning": {"open": "09:00", "close": "09:00"}}}, {"subject": -1}, {"devices": [{}]},
                {"excused": [{"from": "2026-02-30", "to": "2026-03-01"}]}, {"escalation": [{"to": "lead"}]},
                {"excused": [{"from": "2026-02-01", "to": "2027-02-03"}]}, {"ask_min": [5, 5]}, {"ask_min": [-1]},
                {"ask_min": [1, 2, 3, 4, 5, 6, 7, 8]}, {"remind": {"urgent_min": -1}}])}}]
        return dice.choice(broken)
