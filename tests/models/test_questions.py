"""Questions to devices: the golden ones, one test a line, and what a device must not take for a question."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import VECTORS, read_lines

from models.wire.frame import TO_DEVICE, find_frame, open_frame, read_header, seal, to_text
from models.wire.keys import message_key
from models.wire.question import Question, open_question, seal_question

QUESTIONS = read_lines(VECTORS / "questions.jsonl")
CIPHER = AESCCM(bytes(16), tag_length=8)
ASK = b"\x01" + bytes(39)


def cipher_of(line: dict[str, Any]) -> AESCCM:
    key = message_key(bytes.fromhex(line["device_key"]), line["subject"], line["slot"], line["epoch"])
    return AESCCM(key, tag_length=8)


def test_all_questions_are_here() -> None:
    assert len(QUESTIONS) == 6


@pytest.mark.parametrize("line", QUESTIONS)
def test_a_question_is_sealed_as_in_the_vectors(line: dict[str, Any]) -> None:
    frame = seal_question(cipher_of(line), line["subject"], line["slot"], line["epoch"],
                          Question(line["window"], line["number"]))
    assert (frame.hex(), to_text(frame)) == (line["frame"], line["text"])


@pytest.mark.parametrize("line", QUESTIONS)
def test_a_question_is_opened_as_in_the_vectors(line: dict[str, Any]) -> None:
    frame = find_frame(line["text"], None)
    assert isinstance(frame, bytes)
    header, cipher = read_header(frame), cipher_of(line)
    assert (header.subject, header.slot) == (line["subject"], line["slot"])
    assert open_question(cipher, header, frame, line["epoch"]) == Question(line["window"], line["number"])
    assert AESCCM.decrypt(cipher, bytes.fromhex(line["nonce"]), frame[8:], frame[:8]) == ASK


@given(st.integers(0, 2**32 - 1), st.integers(0, 7), st.integers(0, 2**24 - 1), st.integers(0, 2**16 - 1),
       st.integers(0, 255))
def test_a_question_is_read_as_it_was_asked(subject: int, slot: int, epoch: int, window: int, number: int) -> None:
    frame = seal_question(CIPHER, subject, slot, epoch, Question(window, number))
    assert frame == seal_question(CIPHER, subject, slot, epoch, Question(window, number))
    assert open_question(CIPHER, read_header(frame), frame, epoch) == Question(window, number)


def test_a_report_and_a_question_are_not_taken_for_one_another() -> None:
    question = seal_question(CIPHER, 7, 0, 1, Question(5040, 1))
    assert open_frame(CIPHER, read_header(question), question, 1) is None
    report = seal(CIPHER, 7, 0, 1, 5040 << 8 | 1, ASK)
    assert report[:8] == question[:8]
    assert open_question(CIPHER, read_header(report), report, 1) is None


@pytest.mark.parametrize("plaintext", [bytes(40), b"\x02" + bytes(39), ASK[:-1] + b"\x01"])
def test_another_text_to_a_device_is_no_question(plaintext: bytes) -> None:
    frame = seal(CIPHER, 7, 0, 1, 5040 << 8 | 1, plaintext, TO_DEVICE)
    assert open_question(CIPHER, read_header(frame), frame, 1) is None


@pytest.mark.parametrize("question", [Question(0x1_0000, 1), Question(1, 256), Question(-1, 1), Question(1, -1)])
def test_a_question_that_does_not_fit_is_not_sealed(question: Question) -> None:
    with pytest.raises(OverflowError):
        seal_question(CIPHER, 7, 0, 1, question)
