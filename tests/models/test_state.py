"""The seams of the core: the table of alerts, the codec, the agenda, and misplaced records."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from support.story import Stage

from models.contract.alerts import Alert, Change, IllegalChange, Kind, Likely, Phase, Severity
from models.contract.inputs import Record
from models.contract.records import LONGEST, LONGEST_NAME
from models.judgement.agenda import Agenda
from models.judgement.codec import UnknownVersion, pack_person, unpack_person
from models.judgement.events import Deadline, Erased, Registered, Standing
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.judgement.step import step
from models.wire.keys import KeyRing


def test_an_illegal_change_changes_nothing() -> None:
    alert = Alert(Kind.SOS, "0.1.1", Severity.CRITICAL, Likely.PERSON, ())
    with pytest.raises(IllegalChange, match="repeated cannot follow new"):
        alert.change(Change.REPEATED, 5)
    assert (alert.phase, alert.revision) == (Phase.NEW, 0)


def played(*events: str) -> Stage:
    stage = Stage()
    for event in events:
        stage.play(event)
    return stage


def a_full_life() -> Stage:
    return played(
        'registry 7 {"slots": [[0, 1], [0, 2]], "excused": [{"from": "2026-11-30", "to": "2026-11-30"}]}',
        "24 05:00 tick", "24 06:10 report 7 sos awake for 24-morning battery 3 signal -120 temp 1 faults 1",
        "24 06:11 report 7 battery 90 signal -120 mains_lost idle 9", "24 06:12 kim acknowledge 7:sos:0.1.1",
        "24 06:13 kim excuse 7 26 27", 'registry 7 {"grace_min": 45}', "25 09:45 tick")


def test_a_packed_person_is_unpacked_without_loss() -> None:
    person = a_full_life().lane.person(7)
    assert person is not None
    assert unpack_person(pack_person(person), 7) == person
    assert pack_person(unpack_person(pack_person(person), 7)) == pack_person(person)


def test_a_state_of_a_newer_version_is_refused() -> None:
    with pytest.raises(UnknownVersion, match="deploy a newer one"):
        unpack_person(b"\x63\x90", 7)


def test_the_live_view_has_no_keys() -> None:
    shown = a_full_life().lane.view(7)
    assert shown is not None
    assert shown["devices"] == [{"slot": 0, "epoch": 1}, {"slot": 0, "epoch": 2}]
    assert shown["results"]["2026-11-24:morning"] == "awake"
    assert "key" not in json.dumps(shown["devices"])
    assert a_full_life().lane.view(8) is None


def test_a_lane_knows_up_to_when_it_has_judged() -> None:
    until, _, people = a_full_life().lane.summary()
    assert (until, people) == ({"seoul-1": 1_795_567_500}, {"seoul-1": 1})


def test_a_tombstone_in_the_changelog_removes_the_person() -> None:
    lane = LaneState(0)
    kept = a_full_life().lane.take_touched()
    for key, value in [*kept, (b"7", None)]:
        lane.restore(key, value)
    lane.restore(b"\x00incidents", None)
    lane.restore(b"\x00lane", None)
    lane.ready()
    assert lane.person(7) is None


def test_a_lane_keeps_the_stored_state_of_each_key_while_it_is_read_back() -> None:
    """A successor takes back the states of an unfinished batch, so it needs the states from before."""
    lane = LaneState(0)
    written = dict(a_full_life().lane.take_touched())
    for key, value in written.items():
        assert lane.kept(key) is None
        lane.restore(key, value)
    assert {b"7", b"\x00lane"} <= written.keys()
    assert {key: lane.kept(key) for key in written} == written
    lane.restore(b"7", None)
    lane.restore(b"\x00lane", None)
    assert (lane.kept(b"7"), lane.kept(b"\x00lane")) == (None, None)


def test_a_state_is_written_once() -> None:
    lane = a_full_life().lane
    assert [key for key, _ in lane.take_touched()] == [b"7", b"\x00lane"]
    assert lane.take_touched() == []


def test_a_person_that_an_event_did_not_change_is_not_written() -> None:
    stage = a_full_life()
    stage.lane.take_touched()
    stage.play("25 09:46 again 7")
    assert stage.lane.take_touched() == []


def test_a_change_is_written_although_a_repetition_follows() -> None:
    stage = a_full_life()
    stage.lane.take_touched()
    stage.play("25 09:46 report 7 sos")
    for _ in range(2):  # the second frame of no use says what the first said
        stage.play("25 09:47 report 7 slot 5")
    assert stage.lane.take_touched() == [(b"7", pack_person(stage.lane.somebody(7)))]


def test_a_person_who_comes_and_goes_between_two_writes_is_removed() -> None:
    stage = played("registry 1")
    stage.lane.take_touched()
    stage.play("tombstone 1")
    stage.play("registry 2")
    stage.play("tombstone 2")
    assert stage.lane.take_touched() == [(b"1", None), (b"2", None)]


def test_the_time_of_a_gateway_without_people_is_kept() -> None:
    """Otherwise the next tick would count as the first, and an old tick could set the time back."""
    stage = played("registry 1", "24 05:00 tick", "24 05:00 tick busan-1", "34 05:00 tick")
    assert set(stage.lane.times.gateways) == {"seoul-1", "busan-1"}


def test_a_person_is_not_judged_before_the_gateway_has_a_time() -> None:
    stage = played("registry 1", "tombstone 1", "registry 2", 'registry 2 {"gateway": "busan-1"}', "24 05:00 tick",
                   "24 05:00 tick busan-1")
    assert stage.play("24 09:30 tick") == []
    assert sorted(stage.play("24 09:31 tick busan-1")) == ["2 24-morning silent",
                                                           "2 no_report 24-morning opened warning because device: "
                                                           "never heard"]


def test_an_agenda_gives_each_subject_once_in_order() -> None:
    agenda = Agenda()
    for at, subject in ((5, 2), (3, 9), (5, 1), (3, 9), (7, 3)):
        agenda.add(at, subject)
    assert agenda.pop(2) == []
    assert agenda.pop(5) == [1, 2, 9]
    assert agenda.pop(9) == [3]


# Records that are not for this lane, or no records at all


def record(topic: str, value: Any, *, key: bytes | None = None) -> Record:
    octets = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return Record(topic, 0, 0, key, octets)


NOW = "2026-11-24T00:00:00Z"
COMMAND = {"id": "1", "type": "resolve", "subject": 3, "by": "kim", "at": NOW, "alert": "x"}


def fold_of_two() -> Fold:
    return Fold(KeyRing({}), lambda subject: subject % 2)


def test_a_misplaced_record_is_sent_on_unchanged_and_once() -> None:
    original = record("commands", COMMAND, key=b"wrong")
    [output] = fold_of_two()(LaneState(0), original)
    assert (output.topic, output.key, output.value) == ("commands", b"wrong", original.value)
    assert (output.partition, output.headers) == (1, (("anbu-forwarded", b"1"),))
    [refused] = fold_of_two()(LaneState(0), replace(original, headers=output.headers))
    assert json.loads(refused.value or b"")["reason"] == "malformed"


@pytest.mark.parametrize(("given", "reason", "at", "original"), [
    (record("sms", b"\xff{"), "malformed", None, {"raw": "/3s="}),
    (record("sms", b""), "malformed", None, {"raw": ""}),
    (record("sms", None), "malformed", None, None),
    (record("sms", [1]), "malformed", None, [1]),
    (record("sms", {"at": NOW}), "malformed", NOW, {"at": NOW}),
    (record("sms", {"received_at": NOW}), "malformed", NOW,
     {"received_at": NOW}),
    (record("registry", {"subject": 2}), "malformed", None, {"subject": 2}),
    (record("registry", None, key=b"two"), "malformed", None, None),
    (record("registry", None, key=None), "malformed", None, None),
    (record("commands", {"at": NOW}), "malformed", NOW,
     {"at": NOW}),
])
def test_a_record_that_cannot_be_processed_goes_to_quarantine_whole(given: Record, reason: str, at: str | None,
                                                                    original: Any) -> None:
    """Receiving rule 4."""
    [output] = fold_of_two()(LaneState(0), given)
    value = json.loads(output.value or b"")
    assert output.topic == "quarantine"
    assert (value["reason"], value["at"], value["original"]) == (reason, at, original)
    assert value["origin"] == {"topic": given.topic, "partition": 0, "offset": 0}


def test_a_command_on_a_number_without_a_person_is_answered() -> None:
    """Rule 15: not in quarantine, since no record is wrong."""
    [output] = fold_of_two()(LaneState(0), record("commands", {**COMMAND, "subject": 2}))
    assert (output.topic, output.key) == ("reports", b"2")
    assert json.loads(output.value or b"") == {
        "type": "refused", "id": "1", "subject": 2, "command": "resolve", "alert": "x", "reason": "unknown_subject",
        "by": "kim", "at": NOW}


@pytest.mark.parametrize("given", [Record("sms", 0, 0, b"7", bytes(1_000_000)),
                                   Record("registry", 0, 0, bytes(500_000), bytes(500_000)),
                                   Record("commands", 0, 0, bytes(1_000_000), json.dumps(COMMAND).encode()),
                                   Record("registry", 0, 0, bytes(1_000_000), None),
                                   Record("sms", 0, 0, bytes(LONGEST), bytes(LONGEST)),
                                   Record("commands", 0, 0, bytes(1_000_000),
                                          json.dumps({**COMMAND, "subject": 2}).encode())])
def test_the_outputs_of_a_long_record_fit_into_a_record(given: Record) -> None:
    """Otherwise the broker would refuse the record again and again, and no person of the lane would be judged."""
    for output in fold_of_two()(LaneState(1), given):
        assert len(output.key or b"") + len(output.value or b"") < 1_000_000
        assert output.topic == "quarantine" or (output.partition, output.key) in ((0, b"2"), (None, b"3"))


def test_an_alert_with_many_long_texts_fits_into_a_record() -> None:
    """Each text comes in a record of its own, and the last alert has all of them."""
    lane, fold, text = LaneState(0), fold_of_two(), "\x01" * LONGEST_NAME
    at = {"at": "2026-11-24T12:01:00Z", "id": "c", "subject": 2, "alert": "2:no_report:2026-11-24:morning"}
    said = [output for topic, value in (
        ("registry", {"subject": 2, "site": text, "gateway": text, "tz": "Asia/Seoul",
                      "since": "2026-01-01T00:00:00Z"}),
        ("sms", {"type": "tick", "source": "gateway", "gateway": text, "at": "2026-11-23T00:00:00Z"}),
        ("sms", {"type": "tick", "source": "gateway", "gateway": text, "at": "2026-11-24T12:00:00Z"}),
        ("commands", {**at, "type": "acknowledge", "by": text, "text": text}),
        ("commands", {**at, "id": "d", "type": "assign", "by": text, "assignee": text, "text": text}),
        ("sms", {"type": "tick", "source": "clock", "at": "2026-11-24T12:10:00Z"}),
    ) for output in fold(lane, record(topic, value))]
    assert {json.loads(one.value or b"{}").get("type") for one in said if one.topic != "reports"} >= {
        "kr.anbu.alert.opened", "kr.anbu.alert.acknowledged", "kr.anbu.alert.assigned"}
    assert all(len(one.key or b"") + len(one.value or b"") < LONGEST for one in said)
    assert any(one.key == text.encode() for one in said)


@pytest.mark.parametrize(("topic", "value", "field"), [
    ("registry", {"subject": 1, "site": "s", "gateway": "g" * (LONGEST_NAME + 1)}, "gateway"),
    ("registry", {"subject": 1, "site": "s" * (LONGEST_NAME + 1)}, "site"),
    ("commands", {**COMMAND, "by": "b" * (LONGEST_NAME + 1)}, "by"),
    ("sms", {"type": "tick", "source": "gateway", "gateway": "g" * (LONGEST_NAME + 1), "at": NOW}, "gateway"),
    ("sms", {"text": "x", "received_at": NOW, "id": "i" * (LONGEST_NAME + 1)}, "id"),
])
def test_a_text_that_is_too_long_for_the_outputs_is_malformed(topic: str, value: dict[str, Any], field: str) -> None:
    """Receiving rule 4."""
    [output] = fold_of_two()(LaneState(0), record(topic, value))
    said = json.loads(output.value or b"")
    assert (said["reason"], said["detail"]) == ("malformed", field)


def test_a_record_of_an_unknown_topic_raises_an_error() -> None:
    with pytest.raises(LookupError, match="no input"):
        fold_of_two()(LaneState(0), record("alerts", {}))


def test_a_deadline_is_judged_once() -> None:
    stage = played("registry 1", "24 05:00 tick", "24 09:30 tick")
    person = stage.lane.somebody(1)
    assert step(person, Deadline(5038, 1_795_500_000)) == (person, [])
    with pytest.raises(LookupError, match="nobody has the number 2"):
        stage.lane.somebody(2)


def test_only_a_registry_record_makes_a_person() -> None:
    with pytest.raises(LookupError, match="nobody is registered"):
        step(None, Erased(5))
    person = a_full_life().lane.person(7)
    assert person is not None
    made, effects = step(None, Registered(person.profile, 5, Standing()))
    assert (made.judged_from, effects) == (None, [])
