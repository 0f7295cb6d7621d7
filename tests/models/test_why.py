"""The Korean sentence of an alert is Korean: the evidence of the contract is English, and is not shown as it is."""

import re

import pytest
from support.vectors import SCENARIOS, VECTORS, key_ring, read_lines, replay

from models.contract.alerts import Alert, Change, Kind, Likely, Severity
from models.contract.effects import AlertRevised
from models.contract.why import why
from models.times import parse_time

AT = parse_time("2026-11-24T00:00:00Z", "at")
NAMES = {"kim", "lee", "lead", "backup", "seoul", "seoul-1", "SOS", "UTC", "dBm"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_english_in_korean(name: str) -> None:
    for output in replay(read_lines(VECTORS / "scenarios" / f"{name}.in.jsonl"), key_ring()):
        if output["topic"] == "alerts":
            sentence = output["value"]["data"]["why"]["ko"]
            assert set(re.findall(r"(?<![0-9])[A-Za-z][A-Za-z_]+(?:-[0-9]+)?", sentence)) <= NAMES, sentence


@pytest.mark.parametrize(("kind", "evidence", "expected"), [
    (Kind.LOW_BATTERY, "battery 14 %", "11월 24일 09:00, 기기 배터리가 부족합니다(배터리 14 %)."),
    (Kind.LOW_BATTERY, "low battery", "11월 24일 09:00, 기기 배터리가 부족합니다."),
    (Kind.MAINS_LOST, "mains lost", "11월 24일 09:00, 기기의 전원이 끊겼습니다."),
    (Kind.SOS, "news", "11월 24일 09:00, SOS 버튼이 눌렸습니다(news)."),
])
def test_evidence_in_words(kind: Kind, evidence: str, expected: str) -> None:
    """Evidence that repeats the kind is left out, and unknown evidence is shown as it is."""
    alert = Alert(kind, "0.1.1", Severity.WARNING, Likely.PERSON, (evidence,), opened_at=AT)
    assert why(AlertRevised(7, "jongno", "Asia/Seoul", alert, Change.OPENED, AT))["ko"] == expected
