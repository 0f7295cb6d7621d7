"""An SMS may have several frames, also of people in other partitions: each of them ends somewhere."""

import json

import pytest
from msgspec.structs import replace
from support.story import Stage

from models.contract.inputs import Record
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.judgement.receive import receive
from models.wire.keys import KeyRing


def text_of(subject: int) -> str:
    """The SMS of a person who is awake."""
    stage = Stage()
    stage.play(f"registry {subject}")
    stage.play(f"24 07:00 report {subject} awake for 24-morning")
    return str(stage._last_sms[subject][1]["text"])


def stage_of(partition: int) -> Stage:
    """A lane of two, with the even or the odd numbers of the first four."""
    stage = Stage()
    stage.lane, stage.fold = LaneState(partition), Fold(KeyRing({"k1": bytes(32)}), lambda subject: subject % 2)
    for subject in range(1 if partition else 2, 5, 2):
        stage.play(f"registry {subject}")
    return stage


def sms(*subjects: int) -> Record:
    value = {"text": " and ".join(map(text_of, subjects)), "received_at": "2026-11-23T22:00:00Z"}
    return Record("sms", 0, 0, b"x", json.dumps(value).encode())


def test_the_frames_of_other_partitions_are_sent_on_once() -> None:
    here, record = stage_of(0), sms(2, 1, 4, 3)
    outputs = here.fold(here.lane, record)
    assert [(one.topic, one.key) for one in outputs] == [
        ("reports", b"2"), ("reports", b"2"), ("reports", b"4"), ("reports", b"4"), ("sms", b"x")]
    sent_on = outputs[-1]
    assert (sent_on.value, sent_on.partition) == (record.value, 1)
    there = stage_of(1)
    outputs = there.fold(there.lane, replace(record, headers=sent_on.headers))
    assert [(one.topic, one.key) for one in outputs] == [("reports", b"1")] * 2 + [("reports", b"3")] * 2


def test_an_sms_that_was_sent_on_to_a_wrong_partition_goes_to_quarantine() -> None:
    here = stage_of(0)
    [sent_on] = here.fold(here.lane, sms(1))
    [output] = here.fold(here.lane, replace(sms(1), headers=sent_on.headers))
    assert output.topic == "quarantine"
    assert json.loads(output.value or b"")["detail"] == "sent on to a wrong partition"


def test_a_frame_that_comes_twice_in_one_sms_is_counted() -> None:
    here = stage_of(0)
    assert len(here.fold(here.lane, sms(2, 2))) == 2
    assert here.fold.duplicates == 1


def test_a_rejected_frame_does_not_hide_the_frame_behind_it() -> None:
    here = stage_of(0)
    record = json.loads(sms(2).value or b"")
    record["text"] = f"{text_of(6)} {record['text']}"
    outputs = here.fold(here.lane, Record("sms", 0, 0, b"x", json.dumps(record).encode()))
    assert [one.topic for one in outputs] == ["quarantine", "reports", "reports"]


def test_an_authentic_frame_of_no_known_person_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    here = stage_of(0)
    known = here.lane.somebody(2)
    monkeypatch.setattr("models.judgement.fold.receive", lambda header, frame, _, keys: receive(
        header, frame, known, keys))
    here.play("tombstone 2")
    with pytest.raises(LookupError, match="who is not registered"):
        here.fold(here.lane, sms(2))
