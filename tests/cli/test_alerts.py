"""`anbu alerts` prints what a subscriber gets; `alert`, `excuse` and `unexcuse` publish what a caseworker asks for."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import Anbu
from support.page import NOW, event

from cli.broker import records, sending
from models.contract.command import parse_command
from models.times import format_time
from runtime.settings import Settings
from streams.partition import partition_of_key
from streams.topics import ALERTS, COMMANDS


def publish(settings: Settings, *events: dict[str, Any]) -> None:
    async def write() -> None:
        async with sending(settings) as sender:
            for one in events:
                key = one["subject"].encode()
                await sender.send_and_wait(ALERTS, json.dumps(one).encode(), key=key,
                                           partition=partition_of_key(key, settings.partitions))

    asyncio.run(write())


EVENTS = [event(7, "sos", at=NOW + 60), event(8, "fire", at=NOW), event(7, "sos", 2, "acknowledged", at=NOW + 120),
          {**event(9, "gas", at=NOW + 30), "data": {**event(9, "gas")["data"], "site": "mapo"}}]


def told(text: str) -> list[str]:
    return [line["id"] for line in map(json.loads, text.splitlines())]


def test_alerts_of_all_lanes_come_in_order_of_time(anbu: Anbu, settings: Settings) -> None:
    assert anbu("alerts").stdout == ""
    publish(settings, *EVENTS)
    done = anbu("alerts", "--json")
    assert done.exit_code == 0
    assert told(done.stdout) == ["8:fire:0.1.1/1", "9:gas:0.1.1/1", "7:sos:0.1.1/1", "7:sos:0.1.1/2"]
    assert json.loads(done.stdout.splitlines()[0]) == EVENTS[1]
    assert told(anbu("alerts", "--json", "--site", "mapo").stdout) == ["9:gas:0.1.1/1"]
    assert told(anbu("alerts", "--json", "--kind", "gas", "--kind", "fire").stdout) == ["8:fire:0.1.1/1",
                                                                                          "9:gas:0.1.1/1"]
    assert told(anbu("alerts", "--json", "--severity", "warning").stdout) == []
    since = format_time(NOW + 60)
    assert told(anbu("alerts", "--json", "--since", since).stdout) == ["7:sos:0.1.1/1", "7:sos:0.1.1/2"]
    assert told(anbu("alerts", "--json", "--since", "2026-11-24T09:42:00+09:00").stdout) == ["7:sos:0.1.1/2"]


def test_sentences_have_columns_and_colour_is_for_terminals(anbu: Anbu, settings: Settings) -> None:
    publish(settings, *EVENTS)
    lines = anbu("alerts").stdout.splitlines()
    assert "\x1b" not in "".join(lines)
    assert lines[0] == f"{format_time(NOW)}  critical     opened          8:fire:0.1.1{' ' * 20}  Because of fire 1."
    assert len({line.index("Because") for line in lines}) == 1


def test_following_goes_on_until_it_is_ended(environ: dict[str, str], settings: Settings) -> None:
    publish(settings, *EVENTS[:2])
    following = subprocess.Popen([Path(sys.executable).with_name("anbu"), "alerts", "--follow", "--json"],
                                 env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert following.stdout is not None
        assert told(following.stdout.readline() + following.stdout.readline()) == ["8:fire:0.1.1/1", "7:sos:0.1.1/1"]
        publish(settings, EVENTS[2])
        assert told(following.stdout.readline()) == ["7:sos:0.1.1/2"]
        following.send_signal(signal.SIGINT)
        assert following.wait(20) == 130
    finally:
        following.kill()
        following.communicate()


def test_a_malformed_time_is_refused(anbu: Anbu) -> None:
    for wrong in ("yesterday", "2026-11-24", "2026-11-24T09:00:00"):
        assert anbu("alerts", "--since", wrong).exit_code == 2


def commands(settings: Settings) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        return [{**json.loads(record.value), "_key": record.key} async for polled in records(COMMANDS, settings)
                for record in polled.records]

    return asyncio.run(read())


@pytest.mark.parametrize(("arguments", "expected"), [
    (("alert", "acknowledge", "42:sos:0.1.17"), {"type": "acknowledge", "alert": "42:sos:0.1.17"}),
    (("alert", "assign", "42:sos:0.1.17", "lee"), {"type": "assign", "alert": "42:sos:0.1.17", "assignee": "lee"}),
    (("alert", "comment", "42:sos:0.1.17", "갔습니다"),
     {"type": "comment", "alert": "42:sos:0.1.17", "text": "갔습니다"}),
    (("alert", "resolve", "42:no_report:2026-11-24:morning"),
     {"type": "resolve", "alert": "42:no_report:2026-11-24:morning"}),
    (("alert", "resolve", "42:sos:0.1.17", "--text", "fine"),
     {"type": "resolve", "alert": "42:sos:0.1.17", "text": "fine"}),
    (("alert", "resolve", "42:sos:0.1.17", "--outcome", "false_alarm"),
     {"type": "resolve", "alert": "42:sos:0.1.17", "outcome": "false_alarm"}),
    (("alert", "comment", "42:sos:0.1.17", "rang", "--outcome", "no_answer"),
     {"type": "comment", "alert": "42:sos:0.1.17", "text": "rang", "outcome": "no_answer"}),
    (("alert", "unacknowledge", "42:sos:0.1.17"), {"type": "unacknowledge", "alert": "42:sos:0.1.17"}),
    (("alert", "reopen", "42:sos:0.1.17"), {"type": "reopen", "alert": "42:sos:0.1.17"}),
    (("alert", "acknowledge", "42:counter:0.1.150@2026-11-24T06:00:00Z"),
     {"type": "acknowledge", "alert": "42:counter:0.1.150@2026-11-24T06:00:00Z"}),
    (("excuse", 42, "2026-11-24", "2026-11-30", "--text", "travel"),
     {"type": "excuse", "from": "2026-11-24", "to": "2026-11-30", "text": "travel"}),
    (("unexcuse", 42, "2026-11-24", "2026-11-24"), {"type": "unexcuse", "from": "2026-11-24", "to": "2026-11-24"}),
])
def test_each_action_of_a_caseworker_is_a_command(anbu: Anbu, settings: Settings, arguments: tuple[object, ...],
                                                  expected: dict[str, Any]) -> None:
    done = anbu(*arguments, "--by", "kim")
    assert (done.exit_code, done.stdout) == (0, "")
    (found,) = commands(settings)
    assert found.pop("_key") == b"42"
    assert len(found.pop("id")) == 36
    assert parse_command({**found, "id": "1"}).at > NOW - 10**9
    assert found == {**expected, "subject": 42, "by": "kim", "at": found["at"]}


OUTAGE = "gateway_outage:seoul-1:last:2026-11-24T00:30:00Z"


@pytest.mark.parametrize(("arguments", "expected"), [
    (("acknowledge", OUTAGE), {"type": "acknowledge", "alert": OUTAGE}),
    (("assign", OUTAGE.replace("last:", ""), "lee"),
     {"type": "assign", "alert": OUTAGE.replace("last:", ""), "assignee": "lee"}),
    (("comment", OUTAGE, "called", "--outcome", "provider_out"),
     {"type": "comment", "alert": OUTAGE, "text": "called", "outcome": "provider_out"})])
def test_every_lane_gets_a_command_on_an_outage(anbu: Anbu, settings: Settings, arguments: tuple[str, ...],
                                                expected: dict[str, Any]) -> None:
    assert anbu("alert", *arguments, "--by", "kim").exit_code == 0
    found = commands(settings)
    assert [one.pop("_key") for one in found] == [b"seoul-1"] * settings.partitions
    assert len({one["id"] for one in found}) == 1
    assert found[0] == {**expected, "gateway": "seoul-1", "by": "kim", "id": found[0]["id"], "at": found[0]["at"]}


@pytest.mark.parametrize("arguments", [
    ("alert", "acknowledge", "sos"),
    ("alert", "acknowledge", "gateway_outage:seoul-1:yesterday"),
    ("alert", "resolve", OUTAGE),
    ("alert", "reopen", OUTAGE),
    ("alert", "resolve", "42:sos:0.1.17", "--outcome", "False Alarm"),
    ("alerts", "--kind", "rain"),
    ("alert", "acknowledge", f"{1 << 32}:sos:0.1.17"),
    ("alert", "acknowledge", f"{'9' * 5000}:sos:0.1.17"),
    ("alert", "comment", "42:sos:0.1.17", ""),
    ("alert", "acknowledge", "42:sos:0.1.17", "--by", ""),
    ("excuse", 42, "2026-11-24", "2026-11-23"),
    ("excuse", 42, "24.11.2026", "2026-11-30"),
    ("unexcuse", "x", "2026-11-24", "2026-11-30"),
])
def test_wrong_arguments_give_no_command(anbu: Anbu, arguments: tuple[object, ...]) -> None:
    done = anbu(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize("arguments", [("alerts",), ("alert", "resolve", "42:sos:0.1.17")])
def test_a_broker_that_is_away_is_reported_in_one_line(anbu: Anbu, arguments: tuple[str, ...]) -> None:
    done = anbu(*arguments)
    assert (done.exit_code, done.stderr.count("\n"), "ANBU_KAFKA" in done.stderr) == (1, 1, True)
