"""The Korean sentence of an alert is Korean: the evidence of the contract is English, and is not shown as it is."""

import re

import pytest
from support.vectors import SCENARIOS, VECTORS, key_ring, read_lines, replay

from models.contract.alerts import Alert, Change, ClearReason, Kind, Likely, Phase, Severity
from models.contract.effects import AlertRevised, IncidentRevised
from models.contract.incidents import Incident
from models.contract.why import why, why_outage
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
    (Kind.CLOCK, "clock 2020-01-01T00:00:00Z",
     "11월 24일 09:00, 기기의 시계가 맞지 않습니다(기기 시각 2020년 1월 1일 09:00)."),
    (Kind.CLOCK, "clock unknown", "11월 24일 09:00, 기기의 시계가 맞지 않습니다(시계가 설정되지 않음)."),
    (Kind.CLOCK, "clock of old", "11월 24일 09:00, 기기의 시계가 맞지 않습니다(of old)."),
    (Kind.COUNTER, "counter 150 after 200",
     "11월 24일 09:00, 기기의 메시지 번호가 이전 번호로 되돌아갔습니다(200번 다음에 150번)."),
    (Kind.SENSOR_STUCK, "activity never changes",
     "11월 24일 09:00, 활동 센서 값이 변하지 않습니다(하루 종일 활동 값이 같음)."),
])
def test_evidence_in_words(kind: Kind, evidence: str, expected: str) -> None:
    """Evidence that repeats the kind is left out, and unknown evidence is shown as it is."""
    alert = Alert(kind, "0.1.1", Severity.WARNING, Likely.PERSON, (evidence,), opened_at=AT)
    assert why(AlertRevised(7, "jongno", "Asia/Seoul", alert, Change.OPENED, AT))["ko"] == expected


def _revised(change: Change, kind: Kind = Kind.NO_REPORT, *, by: str | None = None, reason: ClearReason | None = None,
             evidence: tuple[str, ...] = (), acknowledged_by: str | None = None, heard: int | None = None) -> str:
    alert = Alert(kind, "r", Severity.CRITICAL, Likely.PERSON, evidence, opened_at=AT, phase=Phase.OPEN,
                  acknowledged_by=acknowledged_by, last_heard_at=heard)
    return why(AlertRevised(7, "jongno", "Asia/Seoul", alert, change, AT + 3600, by=by, reason=reason))["en"]


@pytest.mark.parametrize(("said", "expected"), [
    (_revised(Change.REMINDED, Kind.SOS), "no caseworker has it. This is a reminder."),
    (_revised(Change.REMINDED, Kind.SOS, acknowledged_by="kim"), "acknowledged the alert, but it has been open since"),
    (_revised(Change.UNACKNOWLEDGED, Kind.SOS, by="kim"), "kim has taken back the acknowledgement"),
    (_revised(Change.REOPENED, Kind.SOS, by="kim"), "kim has reopened the alert"),
    (_revised(Change.CLEARED, Kind.LONG_OUT, reason=ClearReason.RECOVERED), "because the person is home again"),
    (_revised(Change.CLEARED, Kind.INACTIVITY, reason=ClearReason.RECOVERED), "because the person has moved"),
    (_revised(Change.CLEARED, Kind.CLOCK, reason=ClearReason.RECOVERED), "because all is normal again"),
    (_revised(Change.OPENED, evidence=("asked 3 times, no answer",)), "the device was asked 3 times and did not"),
    (_revised(Change.OPENED, evidence=("asked 1 times, no answer",)), "the device was asked once and did not answer"),
    (_revised(Change.OPENED, heard=AT - 3600),
     "no fault of the device or the gateway is known, the last report came at 24 Nov 08:00"),
    (_revised(Change.OPENED, heard=AT - 37 * 3600), "(the last report came at 22 Nov 20:00)"),
])
def test_the_words_of_a_revision(said: str, expected: str) -> None:
    assert expected in said


def test_a_reminder_of_an_acknowledged_alert_has_no_name() -> None:
    """Channels without leave for names get this sentence as it is."""
    assert "kim" not in _revised(Change.REMINDED, acknowledged_by="kim")


def test_an_outage_says_since_when_no_sms_has_come() -> None:
    incident = Incident("seoul-1", AT, None, AT, noted=(3, 3), quiet_since=AT - 1800)
    said = why_outage(IncidentRevised(incident, Change.OPENED, 0, AT))
    assert said["en"] == ("24 Nov 00:00 UTC: 3 of 3 people of gateway seoul-1 were silent in the hour up to 24 Nov "
                          "00:00 UTC. No SMS has come in since 23 Nov 23:30 UTC. This looks like an outage.")
    assert "11월 23일 23:30 UTC부터 문자가 한 통도" in said["ko"]
