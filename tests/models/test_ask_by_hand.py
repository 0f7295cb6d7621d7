"""A question by hand is about a window that is over, and takes no question of an open window away."""

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ask_by_hand import (
    FIRST_NUMBER,
    LAST_NUMBER,
    NUMBER_S,
    VALID_S,
    AskRefusal,
    NotAskableError,
    ask_by_hand,
)
from models.contract.asks import Ask
from models.contract.registry import parse_profile
from models.times import DAY, parse_time
from models.window import Window
from models.wire.frame import find_frame, read_header
from models.wire.keys import KeyRing, wrap
from models.wire.question import open_question

KEK, KEY = bytes(32), bytes(16)
KEYS = KeyRing({"k1": KEK})


def at(time: str) -> int:
    return parse_time(f"2026-11-24T{time}:00+09:00", "at")


def device(slot: int = 0, epoch: int = 1, msisdn: str | None = "+821012345678") -> dict[str, Any]:
    wrapped = b64encode(wrap(KEK, bytes(12), KEY, 42, slot, epoch)).decode()
    return {"slot": slot, "epoch": epoch, "kek": "k1", "key": wrapped, "msisdn": msisdn}


def profile(**changes: Any) -> dict[str, Any]:
    return {"subject": 42, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-11-01T00:00:00Z",
            "ask_min": [0, 15, 26], "devices": [device()], **changes}


def asked(now: int, slot: int | None = None, **changes: Any) -> Ask:
    return ask_by_hand(parse_profile(profile(**changes)), KEYS, now, slot)


@pytest.mark.parametrize(("time", "expected"), [
    ("08:59", "2026-11-23:afternoon/182"),  # the morning is open, but nothing of it is asked yet
    ("09:30", "2026-11-24:morning/8"),
    ("09:36", "2026-11-24:morning/9"),
    ("14:00", "2026-11-24:morning/53"),
    ("15:30", "2026-11-24:afternoon/8")])
def test_the_question_is_about_the_latest_window_that_is_over(time: str, expected: str) -> None:
    assert asked(at(time)).id == expected


@pytest.mark.parametrize("time", ["09:00", "09:29", "15:00"])
def test_no_question_by_hand_comes_between_those_of_the_judgement(time: str) -> None:
    with pytest.raises(NotAskableError, match=AskRefusal.ASKED_ALREADY):
        asked(at(time))
    assert asked(at(time), ask_min=None).window < Window.parse("2026-11-24:afternoon")


def test_the_device_opens_the_question() -> None:
    found = asked(at("09:42"))
    frame = find_frame(found.text, None)
    assert isinstance(frame, bytes)
    [registered] = parse_profile(profile()).devices
    cipher = KEYS.cipher(42, registered)
    assert cipher is not None
    question = open_question(cipher, read_header(frame), frame, 1)
    assert question is not None
    assert (question.window, question.number) == (found.window, 10)
    assert (found.to, found.until - found.at) == ("+821012345678", VALID_S)


def test_a_button_that_is_pressed_twice_sends_the_same_question() -> None:
    assert asked(at("09:31")).text == asked(at("09:32")).text


def test_the_lowest_slot_with_a_number_is_asked_with_its_newest_key() -> None:
    devices = [device(0, 1, None), device(2, 1), device(1, 1), device(1, 2)]
    assert asked(at("10:00"), devices=devices).slot == 1
    assert asked(at("10:00"), slot=2, devices=devices).slot == 2


@pytest.mark.parametrize(("changes", "slot", "reason"), [
    ({"retired": True}, None, AskRefusal.RETIRED),
    ({"windows": {}}, None, AskRefusal.NO_WINDOW),
    ({"devices": []}, None, AskRefusal.NO_DEVICE),
    ({}, 3, AskRefusal.NO_DEVICE),
    ({"devices": [{**device(), "kek": "k2"}]}, None, AskRefusal.NO_KEY)])
def test_a_device_that_cannot_be_asked_is_named_with_the_reason(changes: dict[str, Any], slot: int | None,
                                                                reason: AskRefusal) -> None:
    with pytest.raises(NotAskableError, match=reason):
        asked(at("10:00"), slot, **changes)


@given(st.integers(0, 3 * DAY), st.integers(0, 3 * DAY))
def test_a_later_question_is_above_an_earlier_one(first: int, second: int) -> None:
    """A device answers only what is above the last question that it heard."""
    earlier, later = (asked(at("00:00") + seconds, ask_min=None) for seconds in sorted((first, second)))
    assert FIRST_NUMBER <= earlier.number <= LAST_NUMBER
    assert (earlier.window, earlier.number) <= (later.window, later.number)
    if later.at - earlier.at >= NUMBER_S:
        assert (earlier.window, earlier.number) < (later.window, later.number)
