"""What must always hold, on made-up days (`support.days`) and on any authentic report whatever its octets."""

import json
from collections import defaultdict
from copy import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.days import made_up
from support.story import Stage, instant, window_of

from models.contract.alerts import EMERGENCIES
from models.contract.documents import Output
from models.contract.effects import Result
from models.judgement.codec import pack_person
from models.judgement.lane import QUESTIONS_KEY, LaneState
from models.judgement.person import Person
from models.judgement.results import result_at, result_of, windows_of
from models.times import parse_time
from models.window import Window

SEEDS = range(60)


def values(outputs: list[Output], topic: str) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in outputs if output.topic == topic]


@pytest.mark.parametrize("seed", SEEDS)
def test_revisions_have_no_gaps_and_nothing_follows_cleared_but_reopened(seed: int) -> None:
    stage = Stage()
    last: dict[str, tuple[int, str]] = {}
    for text in made_up(seed):
        if text.startswith("tombstone"):  # the same number may be given again: its alerts begin anew
            stage.outputs(text)
            last = {name: seen for name, seen in last.items() if not name.startswith(f"{text.split()[1]}:")}
            continue
        for event in values(stage.outputs(text), "alerts"):
            data = event["data"]
            revision, change = last.get(data["alert"], (0, "nothing"))
            assert data["revision"] == revision + 1
            assert (change in ("cleared", "nothing")) == (data["change"] in ("opened", "held", "reopened"))
            assert data["active"] == (data["change"] != "cleared")
            assert (data["change"] == "reopened") == (change == "cleared")
            last[data["alert"]] = (data["revision"], data["change"])


@pytest.mark.parametrize("seed", SEEDS)
def test_an_event_that_is_handled_twice_has_no_second_effect(seed: int) -> None:
    stage = Stage()
    for text in made_up(seed):
        counters = dict(stage._counters)
        commands = stage._commands
        outputs = stage.outputs(text)
        if overtakes(stage.lane, outputs):
            continue
        before = packed(stage.lane)
        if not text.startswith(("registry", "tombstone")):
            stage._counters, stage._commands = counters, commands  # the very same octets once more
        again = stage.outputs(text)
        assert [output.topic for output in again if output.topic in ("alerts", "asks")] == []
        assert all(one.get("late") or one.get("reason") == "unknown_subject" for one in values(again, "reports"))
        assert packed(stage.lane) == before, text


def overtakes(lane: LaneState, outputs: list[Output]) -> bool:
    """Whether a report was not the newest by its counter, but has a later clock than the newest: handled twice, it is
    fresh by rule 23."""
    for report in (one for one in values(outputs, "reports") if one["type"] == "report" and one["device_time"]):
        latest = lane.somebody(report["subject"]).slots[int(report["id"][0])].clock
        if latest is not None and parse_time(report["device_time"], "device_time") > latest:
            return True
    return False


def packed(lane: LaneState) -> dict[int, bytes]:
    """The states of the people. A report that was fresh by rule 23 is `late` when it comes again: that may be the
    latest of what was unusable."""
    people = ((subject, lane.person(subject)) for subject in (1, 2, 3))
    return {subject: pack_person(without_late(person)) for subject, person in people if person is not None}


def without_late(person: Person) -> Person:
    person = copy(person)
    if person.unusable is not None and person.unusable.reason == "late":
        person.unusable = None
    return person


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lane_that_is_read_back_from_its_changelog_judges_the_same(seed: int) -> None:
    straight, restarted = Stage(), Stage()
    kept: dict[bytes, bytes | None] = {}
    for number, text in enumerate(made_up(seed, days=3)):
        assert straight.outputs(text) == restarted.outputs(text), text
        kept |= dict(restarted.lane.take_touched())
        if number % 7 == seed % 7:
            restarted.lane = LaneState(0)
            for key, value in kept.items():
                restarted.lane.restore(key, value)
            restarted.lane.ready()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_report_opens_only_for_windows_without_an_earlier_sms(seed: int) -> None:
    stage = Stage()
    heard: dict[str, set[str]] = defaultdict(set)
    for text in made_up(seed):
        if text.startswith("tombstone"):
            stage.outputs(text)
            heard.pop(text.split()[1], None)
            continue
        outputs = stage.outputs(text)
        for event in values(outputs, "alerts"):
            if event["data"]["kind"] == "no_report" and event["data"]["change"] in ("opened", "held"):
                assert event["data"]["window"] not in heard[event["subject"]], text
        for report in values(outputs, "reports"):
            if report["type"] == "report" and not report["late"] and report["result"] in ("awake", "out"):
                heard[str(report["subject"])].add(report["window"])


@pytest.mark.parametrize("seed", SEEDS)
def test_questions_are_few_and_in_time(seed: int) -> None:
    """Rules 26 and 27: each number once, none past the deadline, none for a window with a result but `not_awake`."""
    stage, asked = Stage(), defaultdict[tuple[int, str], set[int]](set)
    for text in made_up(seed):
        if text.startswith("tombstone"):
            asked = defaultdict(set, {place: one for place, one in asked.items() if str(place[0]) != text.split()[1]})
        outputs = stage.outputs(text)
        for question in values(outputs, "asks"):
            numbers = asked[question["subject"], question["window"]]
            person = stage.lane.somebody(question["subject"])
            assert question["at"] < question["until"]
            assert question["number"] not in numbers
            assert question["number"] <= len(person.profile.ask_min)
            numbers.add(question["number"])
            assert result_at(person.results, Window.parse(question["window"])) in (None, Result.NOT_AWAKE)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_frame_ends_as_a_report_a_duplicate_or_in_quarantine_and_each_flag_as_an_alert(seed: int) -> None:
    stage = Stage()
    for text in made_up(seed):
        duplicates, outputs = stage.fold.duplicates, stage.outputs(text)
        reports = [one for one in values(outputs, "reports") if one["type"] == "report"]
        if "report" in text.split()[2:3]:
            assert len(reports) + len(values(outputs, "quarantine")) + stage.fold.duplicates - duplicates == 1
        for report in reports:
            kinds = {alert.kind for alert in stage.lane.somebody(report["subject"]).alerts.values()}
            assert report["late"] or {flag for flag in report["flags"] if flag in EMERGENCIES} <= kinds


REPORTS = st.lists(st.sampled_from([
    "report 1 awake for 24-morning", "report 1 out for 24-morning", "report 1 for 24-morning", "report 1 awake",
    "report 1 out", "report 1", "report 1 awake for 23-afternoon", "report 1 for 23-morning",
    "report 1 for 24-morning before awake,out,not_awake", "report 1 awake before not_awake,awake",
    "report 1 awake device 24 05:00 for 24-morning", "report 1 clockless for 24-morning before out"]), max_size=6)


@given(REPORTS, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_arrival_before_the_deadline_makes_no_difference(reports: list[str], dice: Any) -> None:
    """The same reports, each with its own counter, in another order: the same results of windows."""
    numbered = [f"24 07:00 {report} counter {number}" for number, report in enumerate(reports, start=1)]
    shuffled = list(numbered)
    dice.shuffle(shuffled)
    assert results(numbered) == results(shuffled)


def results(reports: list[str]) -> dict[int, str]:
    stage = Stage()
    for text in ["registry 1", "22 05:00 tick", "23 23:00 tick", *reports, "24 09:30 tick"]:
        stage.outputs(text)
    return {window: result_of(octet) for window, octet in windows_of(stage.lane.somebody(1).results)}


@given(st.lists(st.binary(min_size=40, max_size=40), max_size=5), st.sampled_from(["24 07:00", "24 15:31", "31 00:00"]))
@settings(max_examples=150, deadline=None)
def test_no_authentic_report_raises_whatever_its_octets(plaintexts: list[bytes], when: str) -> None:
    stage = Stage()
    for text in ("registry 1", "24 05:00 tick"):
        stage.outputs(text)
    for plaintext in plaintexts:
        for kind in (plaintext[0], 1, 2):
            topic, value, key = stage._sms(1_795_500_000, 1, {}, bytes([kind]) + plaintext[1:])
            outputs = stage.deliver(topic, value, key)
            assert outputs
        stage.outputs(f"{when} tick")


def test_the_state_of_a_busy_person_does_not_grow() -> None:
    """Sixty days of questions, reports, alarms, wrong clocks, counters that fall back, excuses and resolved alerts."""
    stage = Stage()
    for text in ('registry 1 {"slots": [[0, 1, "+821012345678"]], "ask_min": [5, 15, 25]}', "1 05:00 tick"):
        stage.outputs(text)
    sizes, asked = [], 0
    for day in range(1, 61):
        for text in (f"{day} 07:00 report 1 awake for {day}-morning battery {day % 30} idle 1 listens",
                     f"{day} 09:30 tick",
                     f"{day} 10:00 report 1 sos alarm fire 30 activity 15 idle 0",
                     f"{day} 10:01 report 1 sos clockless",
                     f"{day} 10:02 report 1 counter 1 listens", f"{day} 10:03 report 1 slot 7",
                     f"{day} 13:10 report 1 temp 50 listens", f"{day} 14:00 report 1 temp 20 listens",
                     f"{day} 15:05 tick", f"{day} 15:06 report 1 answers 1 listens", f"{day} 15:25 tick",
                     f"{day} 15:30 tick", f"{day} 16:00 report 1 out idle 2300 listens",
                     f"{day} 17:00 kim excuse 1 {day} {day}", f"{day} 17:30 kim excuse 1 {day + 3} {day + 3}",
                     f"{day} 18:00 kim unexcuse 1 {day + 3} {day + 3}", f"{day} 18:01 kim unexcuse 1 {day} {day}"):
            asked += sum(output.topic == "asks" for output in stage.outputs(text))
        for name in list(stage.lane.somebody(1).alerts):
            stage.outputs(f"{day} 19:00 kim resolve {name.replace(f'2026-11-{day:02d}:', f'{day}-')}")
        sizes.append(len(pack_person(stage.lane.somebody(1))))
    assert asked == 120
    assert max(sizes[48:]) <= max(sizes[36:48]) + 64, "numbers get longer, nothing else"
    assert max(sizes) < 3_500
    assert window_of("24-morning") == 5038


def test_a_lane_forgets_the_questions_of_an_hour_ago() -> None:
    stage = Stage()
    for text in ('registry 1..12 {"slots": [[0, 1, "+821012345678"]], "ask_min": [5]}', "1 05:00 tick"):
        stage.play(text)
    sizes = []
    for day in range(1, 9):
        for text in (f"{day} 06:00 report 1..12 listens", f"{day} 09:05 tick", f"{day} 15:05 tick"):
            stage.play(text)
        sizes += [len(value or b"") for key, value in stage.lane.take_touched() if key == QUESTIONS_KEY]
    assert len(sizes) == 8
    assert len(set(sizes)) == 1


def test_a_lane_forgets_whom_it_asked_with_the_person() -> None:
    """The number of an erased person stays in no record of the lane; the question still counts (rule 28)."""
    stage = Stage()
    for text in ('registry 1..3 {"slots": [[0, 1, "+821012345678"]], "ask_min": [5]}', "2 05:00 tick",
                 "2 06:00 report 1..3 listens", "2 09:05 tick"):
        stage.play(text)
    at = instant("2", "09:05")
    assert {one.subject for one in stage.lane.moments.sent("seoul-1", at)} == {1, 2, 3}
    stage.lane.take_touched()
    stage.deliver("registry", None, b"2")
    assert [one.subject for one in stage.lane.moments.sent("seoul-1", at)].count(None) == 1
    assert QUESTIONS_KEY in dict(stage.lane.take_touched())
