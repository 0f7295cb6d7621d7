"""`anbu doctor` says when too few devices answer."""

import asyncio
from typing import Any

import orjson
import pytest

from cli import asked
from cli.asked import answers, finding
from cli.broker import SubjectRecord, publish
from models.asked import ENOUGH
from models.times import format_time, parse_time
from runtime.settings import Settings
from streams.topics import ASKS, REPORTS

NOW = parse_time("2026-11-24T00:00:00Z", "now")
WINDOW = "2026-11-24:morning"


def day(subject: int, *, answered: bool, gateway: str = "seoul-1") -> list[dict[str, Any]]:
    report = {"type": "report", "subject": subject, "answers": 1 if answered else None,
              "received_at": format_time(NOW + 30)}
    return [{"type": "ask", "subject": subject, "gateway": gateway, "window": WINDOW, "number": 1,
             "at": format_time(NOW)}, report,
            {"type": "checkin", "subject": subject, "window": WINDOW, "result": "awake", "at": format_time(NOW + 30)}]


def people(number: int, answered: int, gateway: str = "seoul-1", first: int = 1) -> list[dict[str, Any]]:
    return [record for subject in range(number)
            for record in day(first + subject, answered=subject < answered, gateway=gateway)]


def test_enough_answers_are_no_warning() -> None:
    assert finding(people(ENOUGH, ENOUGH // 2)) == ("ok", f"{ENOUGH // 2} of {ENOUGH} people who were asked and up had "
                                                          "answered")


def test_the_gateway_whose_devices_do_not_answer_is_named() -> None:
    state, detail = finding([*people(ENOUGH, 3), *people(ENOUGH, ENOUGH, "busan-1", 1000)])
    assert (state, f"seoul-1: 3 of {ENOUGH}" in detail, "busan-1" in detail) == ("warning", True, False)


def write(settings: Settings, records: list[dict[str, Any]]) -> None:
    asyncio.run(publish([SubjectRecord(ASKS if one["type"] == "ask" else REPORTS, one["subject"], one)
                         for one in records], settings))


def test_the_topics_are_read(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asyncio.run(answers(settings)) == ("ok", "no device was asked yet")
    write(settings, [])
    assert asyncio.run(answers(settings)) == ("ok", "no device was asked in the last day")
    write(settings, [*people(ENOUGH, 2), *(one for one in day(5000, answered=True) if one["type"] != "ask"),
                     orjson.loads(b'{"type":"report","subject":1,"received_at":"then"}')])
    assert asyncio.run(answers(settings))[0] == "warning"
    monkeypatch.setattr(asked, "MOST", ENOUGH)
    assert "anbu_asked_up_total" in asyncio.run(answers(settings))[1]
    monkeypatch.setattr(asked, "MOST", ENOUGH - 1)
    assert "anbu_asked_up_total" in asyncio.run(answers(settings))[1]
