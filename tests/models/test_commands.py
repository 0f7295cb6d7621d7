"""A command that comes again does nothing; a command on an outage is for every lane (rule 15)."""

import json
from typing import Any

import pytest
from support.story import Stage

from models.contract.effects import Result
from models.judgement.gateway import COMMANDS_KEPT
from models.judgement.results import result_at

AT = "2026-11-24T00:31:00Z"
OUTAGE = "gateway_outage:seoul-1:2026-11-24T00:30:00Z"


def given(stage: Stage, **command: object) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in
            stage.deliver("commands", {"by": "kim", "at": AT, **command}, b"x")]


def test_the_last_64_commands_of_a_person_are_known() -> None:
    stage = Stage()
    stage.play("registry 7")

    def answers(number: int) -> int:
        return len(given(stage, id=f"c{number}", type="resolve", subject=7, alert="7:sos:0.1.1"))

    assert [answers(number) for number in range(COMMANDS_KEPT)] == [1] * COMMANDS_KEPT
    assert [answers(number) for number in range(COMMANDS_KEPT)] == [0] * COMMANDS_KEPT
    assert (answers(COMMANDS_KEPT), answers(1), answers(0)) == (1, 0, 1)


@pytest.fixture
def stage() -> Stage:
    """A lane with an outage of seoul-1."""
    stage = Stage()
    for event in ("registry 1..10", "24 05:00 tick", "24 09:30 tick"):
        stage.play(event)
    assert [incident.id for incident in stage.lane.outages()] == [OUTAGE]
    return stage


def on_outage(stage: Stage, number: int, kind: str, **more: object) -> list[dict[str, Any]]:
    return given(stage, id=f"c{number}", type=kind, gateway="seoul-1", alert=OUTAGE, **more)


def test_an_outage_is_acknowledged_assigned_and_commented(stage: Stage) -> None:
    [acknowledged] = on_outage(stage, 1, "acknowledge", text="on it")
    data = acknowledged["data"]
    assert (data["revision"], data["change"], data["acknowledged_by"], data["by"], data["text"], data["command"]) == (
        2, "acknowledged", "kim", "kim", "on it", "c1")
    [assigned] = on_outage(stage, 2, "assign", by="lee", assignee="park")
    assert (assigned["data"]["revision"], assigned["data"]["assignee"], assigned["data"]["acknowledged_by"]) == (
        3, "park", "kim")
    [commented] = on_outage(stage, 3, "comment", text="rang the provider", outcome="provider_down")
    assert (commented["data"]["revision"], commented["data"]["outcome"]) == (4, "provider_down")
    [*_, cleared] = [json.loads(output.value or b"") for output in stage.outputs("24 10:30 tick")
                     if output.key == b"seoul-1"]
    assert (cleared["data"]["revision"], cleared["data"]["change"], cleared["data"]["assignee"]) == (
        5, "cleared", "park")


def test_a_command_on_an_outage_that_comes_again_does_nothing(stage: Stage) -> None:
    assert len(on_outage(stage, 1, "comment", text="x")) == 1
    assert on_outage(stage, 1, "comment", text="x") == []
    for number in range(2, COMMANDS_KEPT + 1):
        assert len(on_outage(stage, number, "comment", text="x")) == 1
    assert on_outage(stage, 1, "comment", text="x") == []
    assert len(on_outage(stage, COMMANDS_KEPT + 1, "comment", text="x")) == 1
    assert len(on_outage(stage, 1, "comment", text="x")) == 1


def test_a_command_on_an_outage_that_does_nothing_is_answered(stage: Stage) -> None:
    assert len(on_outage(stage, 1, "acknowledge")) == 1
    assert on_outage(stage, 2, "acknowledge") == [], "by kim already"
    [refused] = on_outage(stage, 3, "acknowledge", by="lee")
    assert refused == {"type": "refused", "id": "c3", "subject": None, "command": "acknowledge", "alert": OUTAGE,
                       "reason": "already_acknowledged", "by": "lee", "at": AT, "gateway": "seoul-1", "lane": 0}
    [refused] = given(stage, id="c4", type="comment", gateway="seoul-1", alert=f"{OUTAGE}x", text="x")
    assert refused["reason"] == "not_open"
    [refused] = given(stage, id="c5", type="comment", gateway="busan-1", alert=OUTAGE, text="x")
    assert refused["reason"] == "not_open"
    [refused] = given(stage, id="c6", type="resolve", gateway="seoul-1", alert=OUTAGE)
    assert (refused["reason"], refused["detail"]) == ("malformed", "type")


@pytest.mark.parametrize("outcome", ["", "Visited", "no answer", "a" * 41, "가", 7])
def test_an_outcome_is_a_word(stage: Stage, outcome: object) -> None:
    [refused] = given(stage, id="c1", type="comment", subject=1, alert="x", text="x", outcome=outcome)
    assert (refused["reason"], refused["detail"]) == ("malformed", "outcome")


def test_an_absence_that_comes_and_goes_has_revisions_without_gaps() -> None:
    """Rules 4 and 7: more revisions than an octet of the state holds."""
    stage, revisions = Stage(), list[tuple[int, str, str]]()
    for event in ("registry 7", "24 05:00 tick", "24 09:30 tick"):
        stage.play(event)
    for minute in range(40):
        for verb in ("excuse", "unexcuse"):
            outputs = stage.outputs(f"24 10:{minute:02d} kim {verb} 7 24 24")
            said = [json.loads(output.value or b"") for output in outputs]
            revisions += [(int(one["id"].split("#")[1]), one["previous"], one["result"])
                          for one in said if "result" in one]
    assert revisions == [(number, "excused" if number % 2 else "silent", "silent" if number % 2 else "excused")
                         for number in range(2, 82)]
    person = stage.lane.somebody(7)
    assert result_at(person.results, 5038) is Result.SILENT
    assert [alert.revision for alert in person.alerts.values()] == [81]
    assert "24-morning awake" in stage.play("24 11:00 report 7 awake for 24-morning")[0]
