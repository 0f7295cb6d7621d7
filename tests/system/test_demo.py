"""`anbu demo --once` ends with status 0 only if no alert was missed or false, and it finds tampering.

Its devices are asked, and answer, at a speed at which a day would last a second.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.demo.run import Run
from cli.main import main
from simulator.fleet import Fleet
from simulator.happenings import Happenings
from simulator.network import SmsDelivery

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


def sms_without_questions() -> int:
    """The number of SMS that reach the gateway in the same days if no device is asked."""
    fleet = Fleet(12, 1, seed=3)
    happenings = Happenings(fleet)
    return sum(isinstance(happening, SmsDelivery) for _, happening in iter(lambda: happenings.next(fleet.end), None))


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
    assert summary["questions"] > 0
    assert summary["sent"] == summary["accepted"] > sms_without_questions(), "the answers came too"


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


def test_a_broker_that_dies_ends_the_demo_with_a_message(tmp_path: Path) -> None:
    anbu = str(Path(sys.executable).with_name("anbu"))
    with (tmp_path / "said").open("wb") as said:
        demo = subprocess.Popen([anbu, "demo", "--once", "--subjects", "40", "--days", "20"], stdout=said, stderr=said)
    try:
        parts = Path(f"/proc/{demo.pid}/task/{demo.pid}/children")
        deadline = time.monotonic() + 90
        while "SMS" not in (tmp_path / "said").read_text() and time.monotonic() < deadline:
            time.sleep(0.2)  # until the first day goes on
        left = parts.read_text().split()
        broker = next(one for one in left if b"--listener-url" in Path(f"/proc/{one}/cmdline").read_bytes())
        os.kill(int(broker), signal.SIGKILL)
        assert demo.wait(90) == 1
        assert "exited with status -9" in (tmp_path / "said").read_text()
        assert not [one for one in left if Path(f"/proc/{one}").exists()], "nothing is left behind"
    finally:
        demo.kill()
        demo.wait()
