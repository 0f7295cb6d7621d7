"""A message says what to do and where to look, in both languages, and has personal data only if the route allows."""

from typing import Any

import pytest
from support.notices import notice

from models.contract.alerts import Change, Kind
from models.notifications.message import Manner, Message, message_of

PAGE = "https://anbu.example.org"


def said(language: str = "en", *, personal: bool = False, fallback: bool = False, again: bool = False,
         **facts: Any) -> Message:
    return message_of(notice(**facts), "42/a/1/team", Manner(language, personal, PAGE), fallback=fallback, again=again)


@pytest.mark.parametrize(("language", "facts", "expected"), [
    ("en", {"kind": "sos", "severity": "critical"},
     "[Anbu CRITICAL] jongno, no. 42: SOS\nNothing was heard in the morning. Call now. If the person does not answer, "
     "go there or call 119.\nhttps://anbu.example.org/alerts/42:sos:2026-11-24:morning"),
    ("ko", {"kind": "no_report"},
     "[안부 주의] jongno 42번: 보고 없음\n오전에 보고가 오지 않았습니다. 전화로 안부를 확인하고, 받지 않으면 "
     "방문하세요.\nhttps://anbu.example.org/alerts/42:no_report:2026-11-24:morning"),
    ("en", {"cause": {"likely": "device", "evidence": []}},
     "[Anbu Warning] jongno, no. 42: No report\nNothing was heard in the morning. Call the person, and have the power "
     "and the battery of the device checked.\nhttps://anbu.example.org/alerts/42:no_report:2026-11-24:morning"),
    ("en", {"kind": "low_battery", "severity": "maintenance", "cause": {"likely": "device", "evidence": []}},
     "[Anbu Maintenance] jongno, no. 42: Low battery\nNothing was heard in the morning. Have the battery charged or "
     "replaced.\nhttps://anbu.example.org/alerts/42:low_battery:2026-11-24:morning"),
    ("en", {"kind": "flood", "severity": "dire"},
     "[Anbu dire] jongno, no. 42: flood\nNothing was heard in the morning.\n"
     "https://anbu.example.org/alerts/42:flood:2026-11-24:morning"),
])
def test_the_text_of_a_message(language: str, facts: dict[str, Any], expected: str) -> None:
    assert said(language, **facts).text == expected


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.GATEWAY_OUTAGE])
def test_the_message_of_every_alarm_says_what_to_do(kind: Kind) -> None:
    for language in ("ko", "en"):
        assert len(said(language, kind=kind.value).lines) == 2


def test_the_message_of_an_outage() -> None:
    one = message_of(notice("seoul-1", lane=0), "i", Manner("en"))
    assert (one.title, one.link) == ("[Anbu CRITICAL] seoul-1: Gateway outage", None)
    assert "check on people yourself" in one.text


def test_a_message_says_if_a_route_is_missing_or_it_may_be_a_repetition() -> None:
    text = said(change="escalated", escalated_to="lead", fallback=True, again=True).text
    assert "No route names 'lead'" in text
    assert "may have received this before" in text


NAMED: list[dict[str, Any]] = [
    {"change": "acknowledged", "by": "Kim", "acknowledged_by": "Kim"},
    {"change": "assigned", "by": "Kim", "assignee": "Kim"},
    {"change": "commented", "by": "Kim", "text": "Kim saw her"},
    {"change": "cleared", "reason": "resolved", "by": "Kim", "text": "Kim saw her", "outcome": "reached_well"},
    {"change": "unacknowledged", "by": "Kim"},
    {"change": "reopened", "by": "Kim"}]


@pytest.mark.parametrize("facts", NAMED, ids=lambda facts: facts["change"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_message_contains_names_only_if_the_routes_allow_it(facts: dict[str, Any], language: str) -> None:
    why = {"ko": "Kim 님이 했습니다.", "en": "It was Kim."}
    without, with_names = said(language, why=why, **facts), said(language, personal=True, why=why, **facts)
    assert "Kim" not in without.text + str(without.event)
    assert "Kim" in with_names.text
    assert "Kim" in str(with_names.event)
    if "acknowledged_by" in facts:
        assert without.event["data"]["acknowledged_by"] == "somebody"
    assert "reached_well" not in str(without.event)


def test_an_alert_that_its_condition_reopened_keeps_its_sentence() -> None:
    assert said(change="reopened").lines[0] == "Nothing was heard in the morning."


@pytest.mark.parametrize(("acknowledged_by", "expected"), [
    (None, "Call the person. If there is no answer, go there."),
    ("Kim", "Close the alert if all is well. Otherwise leave a comment.")])
def test_a_reminder_says_what_is_left_to_do(acknowledged_by: str | None, expected: str) -> None:
    assert said(change="reminded", acknowledged_by=acknowledged_by).lines[1] == expected


def test_the_message_of_a_cleared_alert_asks_for_no_action() -> None:
    one = said(change="cleared", reason="late_report")
    assert one.title.startswith("[Anbu Closed]")
    assert one.lines == ("Nothing was heard in the morning.",)


def test_a_missing_sentence_is_replaced_by_the_one_in_the_other_language() -> None:
    assert said(why={"ko": "그래서."}).lines[0] == "그래서."
    assert said(why={}, change=Change.OPENED.value).lines[0] == ""
