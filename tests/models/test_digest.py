"""A digest says what to do and for which people, the most urgent first, and leaves no person out."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.notices import notice

from models.notifications.digest import DigestEntry, digest_of, room
from models.notifications.message import Manner

PAGE = "https://anbu.example.org"
ENGLISH, KOREAN = Manner("en", public_url=PAGE), Manner("ko", public_url=PAGE)


def told(subject: int | str, *, fallback: bool = False, again: bool = False, **facts: Any) -> DigestEntry:
    one = notice(subject, **facts)
    return DigestEntry(f"{subject}/{one.alert}/{one.revision}/team", one, fallback, again)


BAD_MORNING = [
    told(9, kind="low_battery", severity="maintenance"), told(3, change="cleared", revision=2),
    told(12), told(7), told(8, cause={"likely": "device", "evidence": []}), told(5, site="mapo"),
    told(4, severity="critical", change="raised", revision=2), told("seoul-1", lane=0, revision=2, change="cleared")]


def test_a_digest_in_english() -> None:
    assert digest_of(BAD_MORNING, "team", ENGLISH).text.replace(". ", ".\n").splitlines() == [
        "[Anbu CRITICAL] 8 alerts in one message",
        "CRITICAL, No report: jongno, no.", "4.",
        "Call the person.", "If there is no answer, go there.",
        "Warning, No report: jongno, no.", "7, 12; mapo, no.", "5.",
        "Call the person.", "If there is no answer, go there.",
        "Warning, No report: jongno, no.", "8.",
        "Call the person, and have the power and the battery of the device checked.",
        "Maintenance, Low battery: jongno, no.", "9.",
        "Have the battery charged or replaced.",
        "Closed, No report: jongno, no.", "3.",
        "Closed, Gateway outage: seoul-1.",
        "The page shows the reasons, and the people in charge.",
        f"{PAGE}/"]


def test_a_digest_in_korean() -> None:
    message = digest_of(BAD_MORNING[2:4], "team", KOREAN)
    assert message.text == ("[안부 주의] 알림 2건 모음\n"
                            "주의 · 보고 없음: jongno 7, 12번. 전화로 안부를 확인하고, 받지 않으면 방문하세요. "
                            f"이유와 처리 상황은 현황판에서 볼 수 있습니다.\n{PAGE}/")


def test_a_digest_says_if_a_route_is_missing_or_an_alert_may_be_a_repetition() -> None:
    text = digest_of([told(1, change="escalated", escalated_to="lead", fallback=True), told(2, again=True)], "team",
                     ENGLISH).text
    assert "no. 1. Call the person. If there is no answer, go there. No route names 'lead'" in text
    assert "You may have received this before" in text


def test_a_digest_contains_no_names() -> None:
    one = told(1, change="commented", by="Kim", text="Kim saw her", why={"ko": "Kim", "en": "Kim"})
    assert "Kim" not in digest_of([one, told(2)], "team", Manner("en", personal=True)).text


def test_digests_of_the_same_deliveries_have_the_same_id() -> None:
    ids = {digest_of(some, "team", ENGLISH).id for some in (BAD_MORNING, BAD_MORNING[::-1])}
    assert len(ids) == 1
    assert digest_of(BAD_MORNING[1:], "team", ENGLISH).id not in ids


@given(st.lists(st.integers(1, 10 ** 6), min_size=1, max_size=200, unique=True), st.integers(100, 1000))
def test_a_digest_contains_no_more_alerts_than_fit(subjects: list[int], longest: int) -> None:
    waiting = [told(one) for one in subjects]
    number = room(waiting, "duty", ENGLISH, longest)
    text = digest_of(waiting[:number], "duty", ENGLISH).text
    assert number == 1 or len(text) <= longest
    assert number == len(waiting) or len(digest_of(waiting[:number + 1], "duty", ENGLISH).text) > longest
    listed = text.split("jongno, no. ")[1].split(". ")[0].split(", ")
    assert listed == [str(one) for one in sorted(subjects[:number])]
