"""`anbu demo --once` ends with 0 only if nothing was missed and nothing false, and sees what is tampered with."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from cli.demo.run import Run
from cli.main import main

pytestmark = pytest.mark.timeout(200)
COMMAND = ["demo", "--once", "--json", "--subjects", "12", "--days", "1", "--speed", "100000", "--seed", "3"]


Tampered = list[tuple[str, dict[str, Any]]]


def once(monkeypatch: pytest.MonkeyPatch, tamper: Callable[[str, dict[str, Any]], Tampered]) -> tuple[int, Any]:
    """Run the real demo, with somebody between the topics and its subscriber."""
    take = Run.take

    def tampered(run: Run, topic: str, value: dict[str, Any]) -> None:
        for one in tamper(topic, value):
            take(run, *one)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "take", tampered)
        done = CliRunner().invoke(main, COMMAND, catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


def test_an_alert_taken_away_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def take_one_away(topic: str, value: dict[str, Any]) -> Tampered:
        if topic == "alerts" and value["data"]["kind"] in ("sos", "fire", "gas", "fall"):
            taken.append(value["data"]["alert"])
            if value["data"]["alert"] == taken[0]:
                return []
        return [(topic, value)]

    status, summary = once(monkeypatch, take_one_away)
    assert (status, summary["missed"], summary["false"]) == (1, 1, 0)
    assert summary["people"] == 12
    assert summary["sent"] == summary["accepted"] > 0


def test_an_alert_invented_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    invented: list[str] = []

    def invent_one(topic: str, value: dict[str, Any]) -> Tampered:
        checkin = topic == "reports" and value["type"] == "checkin"
        if not checkin or invented or (value["result"], value["previous"], value["repaired"]) != ("awake", None, False):
            return [(topic, value)]
        alert = f"{value['subject']}:no_report:{value['window']}"
        invented.append(alert)
        event = {"subject": str(value["subject"]), "time": value["at"], "data": {
            "alert": alert, "kind": "no_report", "revision": 1, "window": value["window"], "change": "opened"}}
        return [(topic, value), ("alerts", event)]

    status, summary = once(monkeypatch, invent_one)
    assert (status, summary["missed"], summary["false"]) == (1, 0, 1)
