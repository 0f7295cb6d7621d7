"""A command that did nothing is told on the page, in words and with the reason."""

from typing import Any

import pytest
from support.page import NOW, Running, browser, event

from models.contract.effects import RefusalReason
from models.errors import ContractError
from models.times import format_time
from web.alerts import alert_of_event
from web.refused import KEPT, SHOWN_S, RefusedCommands, refused_of
from web.words import WORDS


def record(name: str = "c1", **facts: Any) -> dict[str, Any]:
    return {"type": "refused", "id": name, "subject": 7, "command": "acknowledge", "alert": "7:sos:0.1.1",
            "reason": "already_acknowledged", "by": "kim", "at": format_time(NOW), **facts}


def on_outage(lane: int) -> dict[str, Any]:
    return record(subject=None, gateway="seoul-1", lane=lane, alert="gateway_outage:seoul-1:x", reason="not_open")


def test_every_reason_has_words() -> None:
    assert set(RefusalReason) <= WORDS.keys()


def test_a_repeated_record_is_one_refusal() -> None:
    known = RefusedCommands()
    assert [known.take(refused_of(record())) for _ in range(2)] == [True, False]
    assert len(known.since(NOW, 4)) == 1


def test_the_newest_is_first_and_the_old_are_left_out() -> None:
    known = RefusedCommands()
    for name, at in (("a", NOW - SHOWN_S), ("b", NOW), ("c", NOW - SHOWN_S - 1)):
        known.take(refused_of(record(name, at=format_time(at))))
    assert [one.id for one in known.since(NOW - SHOWN_S, 4)] == ["b", "a"]


def test_few_are_kept() -> None:
    known = RefusedCommands()
    for number in range(KEPT + 3):
        known.take(refused_of(record(str(number))))
    assert len(known.since(0, 4)) == KEPT


def test_a_command_on_an_outage_is_refused_by_all_lanes_or_by_none() -> None:
    known = RefusedCommands()
    for lane in range(3):
        known.take(refused_of(on_outage(lane)))
    assert known.since(NOW, 4) == []
    known.take(refused_of(on_outage(3)))
    assert [one.gateway for one in known.since(NOW, 4)] == ["seoul-1"]


@pytest.mark.parametrize(("alert", "kind"), [("7:sos:0.1.1", "sos"), (None, None), ("nonsense", None)])
def test_the_kind_of_the_alert_is_in_its_id(alert: str | None, kind: str | None) -> None:
    assert refused_of(record(alert=alert)).kind == kind


@pytest.mark.parametrize("facts", [{"at": "yesterday"}, {"subject": "seven"}, {"subject": None}], ids=str)
def test_a_record_that_breaks_the_contract_is_named(facts: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="refused"):
        refused_of(record(**facts))


@pytest.mark.parametrize(("language", "words"), [
    ("en", ["Acknowledgement of kim", "had no effect", "another caseworker has acknowledged the alert already"]),
    ("ko", ["kim 님의 대응 시작 요청이 처리되지", "다른 복지사가 이미 대응하고 있습니다"])])
def test_the_board_and_the_person_say_it_in_words(lonely: Running, language: str, words: list[str]) -> None:
    lonely.web.live.take_refused(refused_of(record()))
    lonely.web.live.take_refused(refused_of(record("c2", subject=8, reason="a_newer_reason")))
    with browser(lonely, language) as client:
        board, person = client.get("/").text, client.get("/people/7").text
    for page in (board, person):
        assert all(one in page for one in words)
    assert "a_newer_reason" in board
    assert "a_newer_reason" not in person


def test_the_buttons_fit_the_alert(lonely: Running) -> None:
    live = lonely.web.live
    for one in (event(7, "sos", 2, "acknowledged", acknowledged_by="kim"), event(8, "fall"),
                event(9, "gas", 2, "cleared", reason="resolved", outcome="false_alarm"),
                event(10, "gas", 2, "cleared", reason="recovered"),
                event("seoul-1", "gateway_outage", lane=0, reference="2026-11-24T00:30:00Z")):
        live.take_alert(alert_of_event(one))
    with browser(lonely, "en") as client:
        board = client.get("/").text
        closed = client.get("/people/9").text
    assert "/alerts/7%3Asos%3A0.1.1/unacknowledge" in board
    assert "/alerts/8%3Afall%3A0.1.1/unacknowledge" not in board
    assert "/alerts/9%3Agas%3A0.1.1/reopen" in board
    assert "/alerts/9%3Agas%3A0.1.1/reopen" in closed
    assert "/alerts/10%3Agas%3A0.1.1/reopen" not in board
    assert "False alarm" in closed
    assert "/alerts/gateway_outage%3Aseoul-1%3A2026-11-24T00%3A30%3A00Z/acknowledge" in board
