"""What must always hold (docs/rules.md), of the oracle by itself, on made-up days."""

import copy
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive import devices
from naive.days import made_up
from naive.devices import KEKS
from naive.oracle import Replay, replay
from naive.records import Json, parse_time
from naive.wire import YEAR_2020, Refused, find_frames, to_text
from naive.world import EMERGENCIES, World, stamp

SEEDS = range(10)
EVENTS = 80


def state_of(world: World) -> dict[str, Any]:
    """All that the oracle knows, but lists of times of which the latest alone counts. `late` is left out of what was
    unusable: the first frame of a text may be below the replay window of the second, when it comes again."""
    people = {subject: {**person, "heard": max(person["heard"], default=None),
                        "unusable": {one for one in person["unusable"] if one[1] != "late"}}
              for subject, person in world.people.items()}
    incidents = [{**one, "people": [(person["subject"], window) for person, window in one["people"]]}
                 for one in world.incidents]
    return copy.deepcopy({**vars(world), "people": people, "incidents": incidents, "lines": None, "duplicates": None})


def overtakes(world: World, outputs: list[Json]) -> bool:
    """A fresh report below the highest counter with a clock later than the latest right one, which it does not replace:
    handled twice, it is fresh by rule 23."""
    reports = [one["value"] for one in outputs if one["value"].get("type") == "report" and one["value"]["device_time"]]
    return any((latest := world.people[one["subject"]]["right_clock"].get(int(one["id"][0])))
               and one["device_time"] > str(stamp(latest["clock"])) for one in reports)


def without_asks(lines: list[Json]) -> list[Json]:
    """The outputs but the questions and the evidence of `no_report`."""
    kept = copy.deepcopy([line for line in lines if line["topic"] != "asks"])
    for line in kept:
        if line["topic"] == "alerts" and line["value"]["data"]["kind"] == "no_report":
            line["value"]["data"]["cause"]["evidence"] = None
    return kept


@pytest.mark.parametrize("seed", SEEDS)
def test_an_event_handled_twice_says_nothing_and_changes_nothing(seed: int) -> None:
    replayed = Replay(KEKS)
    for line in made_up(seed, EVENTS):
        outputs = replayed.add(line)
        if line["topic"] == "registry" or overtakes(replayed.world, outputs):
            continue
        before = state_of(replayed.world)
        again = replayed.add(line)
        said = [one for one in again if one["topic"] != "quarantine" and not one["value"].get("late")
                and one["value"].get("reason") != "unknown_subject"]
        assert said == [], line
        assert state_of(replayed.world) == before, line


@pytest.mark.parametrize("seed", SEEDS)
def test_revisions_have_no_gaps_and_nothing_follows_cleared_but_reopened(seed: int) -> None:
    replayed, last = Replay(KEKS), dict[str, tuple[int, str]]()
    for line in made_up(seed, EVENTS):
        for output in replayed.add(line):
            if output["topic"] != "alerts":
                continue
            data = output["value"]["data"]
            revision, change = last.get(data["alert"], (0, "nothing"))
            assert data["revision"] == revision + 1
            assert (change in ("cleared", "nothing")) == (data["change"] in ("opened", "held", "reopened"))
            assert (data["change"] == "reopened") == (change == "cleared")
            assert data["active"] == (data["change"] != "cleared")
            last[data["alert"]] = (data["revision"], data["change"])
        if line.get("value") is None and "raw" not in line:  # an erased person's alerts begin anew
            last = {name: one for name, one in last.items() if not name.startswith(f"{line['key']}:")}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_report_is_for_a_window_without_a_usable_sms(seed: int) -> None:
    replayed, heard = Replay(KEKS), defaultdict[int, set[str]](set)
    for line in made_up(seed, EVENTS):
        if line.get("value") is None and "raw" not in line:
            heard.pop(int(line["key"]), None)
        for output in replayed.add(line):
            value = output["value"]
            if output["topic"] == "alerts" and (value["data"]["kind"], value["data"]["revision"]) == ("no_report", 1):
                assert value["data"]["window"] not in heard[int(value["subject"])]
            if value.get("type") == "report" and value["result"] in ("awake", "out") and not value["late"]:
                heard[value["subject"]].add(value["window"])


@pytest.mark.parametrize("seed", SEEDS)
def test_questions_are_few_and_in_time(seed: int) -> None:
    replayed, asked = Replay(KEKS), defaultdict[tuple[int, str], list[int]](list)
    for line in made_up(seed, EVENTS):
        if line.get("value") is None and "raw" not in line:
            asked = defaultdict(list, {of: one for of, one in asked.items() if str(of[0]) != line["key"]})
        outputs = replayed.add(line)
        for value in (output["value"] for output in outputs if output["topic"] == "asks"):
            person = replayed.world.people[value["subject"]]
            numbers = asked[value["subject"], value["window"]]
            assert line["value"]["type"] == "tick"
            assert value["at"] < value["until"]
            assert value["number"] <= len(person["profile"]["ask_min"])
            numbers.append(value["number"])
            windows = [one["value"] for one in replayed.world.lines if one["value"].get("type") == "checkin"
                       and (one["value"]["subject"], one["value"]["window"]) == (value["subject"], value["window"])]
            assert not windows or windows[-1]["result"] == "not_awake"


@pytest.mark.parametrize("seed", SEEDS)
def test_questions_change_nothing_else(seed: int) -> None:
    """Rule 29: the same records give the same outputs whether or not anybody is asked."""
    lines = made_up(seed, EVENTS)
    unasked = copy.deepcopy(lines)
    for line in unasked:
        if line["topic"] == "registry" and isinstance(line.get("value"), dict):
            malformed = line["value"].get("ask_min") in ([5, 5], [-1], [1, 2, 3, 4, 5, 6, 7, 8])
            line["value"] = line["value"] if malformed else {**line["value"], "ask_min": []}
    expected = [line for line in without_asks(replay(lines, KEKS)) if line["topic"] != "quarantine"]
    assert [line for line in without_asks(replay(unasked, KEKS)) if line["topic"] != "quarantine"] == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_each_frame_ends_as_a_report_a_duplicate_or_in_quarantine(seed: int) -> None:
    replayed = Replay(KEKS)
    for line in made_up(seed, EVENTS):
        before = replayed.world.duplicates
        outputs = replayed.add(line)
        if line["topic"] != "sms" or "raw" in line or line["value"].get("type") != "sms":
            continue
        try:
            frames = len(find_frames(line["value"].get("text"), line["value"].get("binary")))
        except Refused:
            frames = 1
        ends = [one for one in outputs if one["topic"] == "quarantine" or one["value"].get("type") == "report"]
        assert len(ends) + replayed.world.duplicates - before == frames
        for value in (one["value"] for one in ends if one["topic"] == "reports"):
            kinds = {alert["kind"] for alert in replayed.world.people[value["subject"]]["alerts"].values()}
            assert value["late"] or {flag for flag in value["flags"] if flag in EMERGENCIES} <= kinds


PLAIN = st.binary(min_size=39, max_size=39)


@given(st.lists(st.tuples(st.sampled_from([1, 1, 1, 2]), PLAIN, st.integers(0, 600)), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_authentic_report_raises_whatever_its_octets(reports: list[tuple[int, bytes, int]]) -> None:
    replayed = Replay(KEKS)
    replayed.add({"topic": "registry", "value": {
        "subject": 1, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-01-01T00:00:00Z",
        "devices": [devices.device(1, 0, 1)], "ask_min": [0, 15, 26]}})
    replayed.add({"topic": "sms", "value": {"type": "tick", "source": "gateway", "gateway": "seoul-1",
                                            "at": "2026-11-23T20:00:00Z"}})
    for number, (kind, plain, counter) in enumerate(reports):
        frame = devices.sealed(1, 0, 1, counter, bytes([kind]) + plain)
        moment = f"2026-11-24T00:{number:02}:00Z"
        text = to_text(frame)
        said = replayed.add({"topic": "sms", "value": {"text": text, "received_at": moment}})
        assert said or replayed.world.duplicates
        replayed.add({"topic": "sms", "value": {"type": "tick", "source": "gateway", "gateway": "seoul-1",
                                                "at": moment}})


def morning(order: list[int], reports: list[tuple[int, bool]]) -> dict[int, str]:
    """The results of windows after these reports came in this order, each with its counter and a right clock.

    reports: the octet of flags, and whether it names the morning of 2026-11-24.
    """
    replayed = Replay(KEKS)
    replayed.add({"topic": "registry", "value": {
        "subject": 1, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-01-01T00:00:00Z",
        "devices": [devices.device(1, 0, 1)]}})
    tick: Json = {"type": "tick", "source": "gateway", "gateway": "seoul-1"}
    replayed.add({"topic": "sms", "value": {**tick, "at": "2026-11-23T20:00:00Z"}})
    opening = parse_time("2026-11-23T21:00:00Z", "at") - YEAR_2020
    for minute, number in enumerate(order):
        flags, names = reports[number]
        window = 5038 if names else 0xFFFF
        head = bytes([1]) + (opening + 600 * number).to_bytes(4, "big") + window.to_bytes(2, "big") + bytes([flags])
        frame = devices.sealed(1, 0, 1, number + 1, head + b"\xff" * 8 + bytes(24))
        moment = f"2026-11-23T23:{minute:02}:00Z"
        replayed.add({"topic": "sms", "value": {"text": to_text(frame), "received_at": moment}})
    replayed.add({"topic": "sms", "value": {**tick, "at": "2026-11-24T00:30:00Z"}})
    return dict(replayed.world.people[1]["results"])


@given(st.lists(st.tuples(st.sampled_from([0, 0, 1, 2, 3]), st.booleans()), max_size=6), st.randoms())
@settings(max_examples=100, deadline=None)
def test_the_order_of_arrival_before_the_deadline_makes_no_difference(
        reports: list[tuple[int, bool]], dice: Any) -> None:
    order = list(range(len(reports)))
    shuffled = dice.sample(order, len(order))
    assert morning(shuffled, reports) == morning(order, reports)
    assert 5038 in morning(order, reports)
