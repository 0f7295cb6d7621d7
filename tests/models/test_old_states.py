"""States that an older program wrote are read: their octets rest in tests/states, a file for each version of the codec.

A new version of the codec adds files there and changes none: what is in a running system's changelog is what these are.
`day-2.jsonl` is a lane's changelog in the middle of a day, and `day-2.txt` the rest of the day as a story.
"""

from base64 import b64decode
from pathlib import Path

import orjson
import pytest
from msgspec import convert
from support.story import Stage, read_story

from models.contract.incidents import Incident
from models.judgement import codec
from models.judgement.gateway import GatewayTime
from models.judgement.lane import LaneState
from models.judgement.person import Person
from models.judgement.view import view
from models.profile import AttributeSpec, Profile, Schedule, Thresholds

STATES = Path(__file__).parents[1] / "states"


@pytest.mark.parametrize("version", range(1, codec.VERSION + 1))
def test_states_of_each_version_are_read(version: int) -> None:
    lines = [orjson.loads(line) for line in (STATES / f"version-{version}.jsonl").read_bytes().splitlines()]
    assert any(line["view"]["alerts"] for line in lines)
    for line in lines:
        person = codec.unpack_person(b64decode(line["packed"]), line["subject"])
        assert view(person) == line["view"]
        seen = codec.glance(b64decode(line["packed"]), line["subject"])
        assert (seen.profile.gateway, seen.profile.retired, seen.profile.schedule) == (
            person.profile.gateway, person.profile.retired, person.profile.schedule)
        assert seen.plain is not bool(person.alerts or person.kept_spans or person.former_time is not None)


@pytest.mark.parametrize("version", range(1, codec.VERSION + 1))
def test_lanes_of_each_version_are_read(version: int) -> None:
    """Twenty incidents: in version 1 an array of more than fifteen had a longer header."""
    lane = orjson.loads((STATES / f"lane-{version}.json").read_bytes())
    clock, latest, gateways = codec.unpack_times(b64decode(lane["times"]))
    assert (clock, latest) == (lane["clock"], lane["latest"])
    assert gateways == convert(lane["gateways"], dict[str, GatewayTime])
    incidents = codec.unpack_incidents(b64decode(lane["packed_incidents"]))
    assert incidents == [convert(fields, Incident) for fields in lane["incidents"]]
    if version >= 3:
        questions = codec.unpack_questions(b64decode(lane["packed_questions"]))
        assert questions == convert(lane["questions"], codec.Questions)


def before(version: int) -> Stage:
    """A stage whose lane a worker of an older version left."""
    stage = Stage()
    stage._commands = 100  # ids that the day has not had
    for line in map(orjson.loads, (STATES / f"day-{version}.jsonl").read_bytes().splitlines()):
        stage.lane.restore(line["key"].encode(), b64decode(line["packed"]))
    stage.lane.ready()
    return stage


@pytest.mark.parametrize("version", [2])
def test_a_lane_of_an_older_version_is_read_whole(version: int) -> None:
    lane = before(version).lane
    lines = [orjson.loads(line) for line in (STATES / f"day-{version}.jsonl").read_bytes().splitlines()]
    for line in lines:
        if "view" in line:
            assert lane.view(int(line["key"])) == line["view"]
    assert len(lane.outages()) == 1
    assert lane.silence_of("busan-1") is not None


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("version", [2])
def test_a_day_of_an_older_version_goes_on(version: int, *, restarts: bool) -> None:
    """What is judged on is written in the present version, and read back if a worker restarts after each event."""
    stage, kept = before(version), dict[bytes, bytes]()
    for line in map(orjson.loads, (STATES / f"day-{version}.jsonl").read_bytes().splitlines()):
        kept[line["key"].encode()] = b64decode(line["packed"])
    written = set[bytes]()
    for step in read_story(STATES / f"day-{version}.txt"):
        assert sorted(stage.play(step.text)) == sorted(step.expected), f"line {step.line}: {step.text}"
        for key, value in stage.lane.take_touched():
            assert value is not None
            assert value[0] == codec.VERSION
            kept[key] = value
            written.add(key)
        if restarts:
            stage.lane = LaneState(0)
            for key, value in kept.items():
                stage.lane.restore(key, value)
            stage.lane.ready()
    assert len(written) > 15


def test_the_newest_version_writes_what_it_read() -> None:
    """The octets change only with VERSION. Otherwise an older program could not read them after a rollback."""
    for line in map(orjson.loads, (STATES / f"version-{codec.VERSION}.jsonl").read_bytes().splitlines()):
        packed = b64decode(line["packed"])
        assert codec.pack_person(codec.unpack_person(packed, line["subject"])) == packed
    lane = orjson.loads((STATES / f"lane-{codec.VERSION}.json").read_bytes())
    times, incidents = b64decode(lane["times"]), b64decode(lane["packed_incidents"])
    assert codec.pack_times(codec.unpack_times(times)) == times
    assert codec.pack_incidents(codec.unpack_incidents(incidents)) == incidents
    questions = b64decode(lane["packed_questions"])
    assert codec.pack_questions(codec.unpack_questions(questions)) == questions


def test_no_version_1_has_questions() -> None:
    with pytest.raises(codec.UnknownVersion, match="has no questions"):
        codec.unpack_questions(b"\x9f\x01")


def test_a_number_is_read_back_as_it_was_written() -> None:
    """15 and 15.0 are equal, but differ as text in the evidence of an alert, and in the changelog."""
    schedule = Schedule("Asia/Seoul", None, None, 30, 0)
    for limit, scale in ((15, 10), (15.0, 10.0), (1 << 60, 1e300)):
        profile = Profile(1, "jongno", "seoul-1", retired=False, schedule=schedule,
                          thresholds=Thresholds(battery_pct=limit),
                          attributes={7: AttributeSpec("x", None, scale, None, None)})
        read = codec.unpack_person(codec.pack_person(Person(profile, None)), 1).profile
        assert (repr(read.thresholds), repr(read.attributes)) == (repr(profile.thresholds), repr(profile.attributes))
