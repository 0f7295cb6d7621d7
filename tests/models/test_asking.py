"""What a question says, and to which device it goes (rules 26 and 29); tests/stories has who is asked and when."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from support.story import DEVICE_KEY, Stage

from models.judgement import questions
from models.wire.frame import find_frame, read_header
from models.wire.keys import message_key
from models.wire.question import Question, open_question

OLD, NEW, OTHER = "+821000000001", "+821000000002", "+821000000003"


def begun(registry: str) -> Stage:
    stage = Stage()
    for event in (f"registry 7 {registry}", "24 05:00 tick"):
        stage.play(event)
    return stage


def asks(stage: Stage, event: str) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in stage.outputs(event) if output.topic == "asks"]


def opened(ask: dict[str, Any], epoch: int) -> Question | None:
    frame = find_frame(ask["text"], None)
    assert isinstance(frame, bytes)
    cipher = AESCCM(message_key(DEVICE_KEY, 7, ask["slot"], epoch), tag_length=8)
    return open_question(cipher, read_header(frame), frame, epoch)


def test_a_question_is_one_record_that_the_device_can_open() -> None:
    stage = begun(f'{{"slots": [[2, 1, "{OLD}"]], "ask_min": [5, 15]}}')
    stage.play("24 05:01 report 7 slot 2 listens")
    [ask] = asks(stage, "24 09:05:30 tick")
    assert opened(ask, 1) == Question(5038, 1)
    assert ask == {
        "type": "ask", "id": "2026-11-24:morning/1", "subject": 7, "site": "jongno", "gateway": "seoul-1", "slot": 2,
        "window": "2026-11-24:morning", "number": 1, "to": OLD, "text": ask["text"], "at": "2026-11-24T00:05:30Z",
        "until": "2026-11-24T00:30:00Z"}


def test_the_same_tick_asks_with_the_same_octets() -> None:
    """A batch that is folded a second time repeats the question, and the device drops it."""
    first, second = ((stage := begun(f'{{"slots": [[0, 1, "{OLD}"]], "ask_min": [5]}}'),
                      stage.play("24 05:01 report 7 listens"), stage.outputs("24 09:05 tick"))[2] for _ in range(2))
    assert first == second


def test_a_replaced_device_is_asked_by_its_new_number_and_key() -> None:
    stage = begun(f'{{"slots": [[0, 1, "{OLD}"], [0, 2, "{NEW}"]], "ask_min": [5, 15]}}')
    stage.play("24 05:01 report 7 listens")
    [ask] = asks(stage, "24 09:05 tick")
    assert (ask["to"], opened(ask, 1)) == (OLD, Question(5038, 1))
    stage.play("24 09:06 report 7 epoch 2 listens")
    [ask] = asks(stage, "24 09:15 tick")
    assert (ask["to"], opened(ask, 2), opened(ask, 1)) == (NEW, Question(5038, 2), None)


def test_a_device_without_a_number_for_its_current_epoch_is_not_asked() -> None:
    stage = begun(f'{{"slots": [[0, 1, "{OLD}"], [0, 2], [1, 1, "{OTHER}"]], "ask_min": [5, 15]}}')
    for event in ("24 05:01 report 7 epoch 2 listens", "24 05:02 report 7 slot 1 listens"):
        stage.play(event)
    assert [ask["to"] for ask in asks(stage, "24 09:05 tick")] == [OTHER]


def test_a_device_whose_key_does_not_unwrap_is_passed_over() -> None:
    """The registry may name a key-encryption key that this worker does not have any more."""
    stage = begun(f'{{"slots": [[0, 1, "{OLD}"], [1, 1, "{OTHER}"]], "ask_min": [5, 15]}}')
    for event in ("24 05:01 report 7 listens", "24 05:02 report 7 slot 1 listens"):
        stage.play(event)
    first, second = stage._profiles[7]["devices"]
    stage.deliver("registry", stage._profiles[7] | {"devices": [first | {"kek": "k0"}, second]}, b"7")
    assert [ask["to"] for ask in asks(stage, "24 09:05 tick")] == [OTHER]
    stage.deliver("registry", stage._profiles[7] | {"devices": [first | {"kek": "k0"}]}, b"7")
    assert asks(stage, "24 09:15 tick") == []


def test_the_newest_report_of_a_device_says_whether_it_listens() -> None:
    """Rule 26: the newest by epoch and counter; with rule 23 the newest so far."""
    stage = begun(f'{{"slots": [[0, 1, "{OLD}"]], "ask_min": [5, 15, 25]}}')
    for event in ("24 05:01 report 7 listens counter 600", "24 05:02 report 7 counter 599 device 24 05:00"):
        stage.play(event)
    assert len(asks(stage, "24 09:05 tick")) == 1
    stage.play("24 09:06 report 7 counter 5")
    assert asks(stage, "24 09:15 tick") == []
    stage.play("24 09:16 report 7 counter 6 listens")
    assert len(asks(stage, "24 09:25 tick")) == 1


def test_the_end_of_an_absence_makes_a_question_necessary_again() -> None:
    stage = begun(f'{{"slots": [[0, 1, "{OLD}"]], "ask_min": [5, 15]}}')
    for event in ("24 05:01 report 7 listens", "24 05:02 kim excuse 7 24 24"):
        stage.play(event)
    assert asks(stage, "24 09:05 tick") == []
    stage.play("24 09:06 kim unexcuse 7 24 24")
    assert len(asks(stage, "24 09:15 tick")) == 1


def test_a_person_who_moves_is_asked_by_the_new_gateway_once() -> None:
    stage = begun(f'{{"slots": [[0, 1, "{OLD}"]], "ask_min": [5, 15]}}')
    for event in ("24 05:00 tick busan-1", "24 05:01 report 7 listens"):
        stage.play(event)
    assert len(asks(stage, "24 09:05 tick")) == 1
    stage.play('registry 7 {"gateway": "busan-1"}')
    assert asks(stage, "24 09:06 tick busan-1") == []
    assert asks(stage, "24 09:15 tick") == []
    assert [ask["gateway"] for ask in asks(stage, "24 09:15 tick busan-1")] == ["busan-1"]


def test_the_first_tick_of_a_gateway_asks_nobody() -> None:
    stage = Stage()
    for event in (f'registry 7 {{"slots": [[0, 1, "{OLD}"]], "ask_min": [5]}}', "24 05:01 report 7 listens"):
        stage.play(event)
    assert asks(stage, "24 09:05 tick") == []
    assert len(asks(stage, "24 15:05 tick")) == 1


def test_a_person_without_windows_is_never_asked() -> None:
    stage = begun(f'{{"slots": [[0, 1, "{OLD}"]], "ask_min": [5], "windows": {{}}}}')
    stage.play("24 05:01 report 7 listens")
    assert asks(stage, "24 05:02 kim excuse 7 24 24") == asks(stage, "24 09:05 tick") == []


def test_many_people_are_asked_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other lanes have a turn between two slices; the questions are the same."""
    asked = []
    for size in (2, 1000):
        monkeypatch.setattr(questions, "PEOPLE_A_SLICE", size)
        stage = Stage()
        for event in (f'registry 1..7 {{"slots": [[0, 1, "{OLD}"]], "ask_min": [5]}}', "24 05:00 tick",
                      "24 05:01 report 1..7 listens"):
            stage.play(event)
        asked.append(asks(stage, "24 09:05 tick"))
    assert len(asked[0]) == 7
    assert asked[0] == asked[1]
