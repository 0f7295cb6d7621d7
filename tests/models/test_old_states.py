"""States that an older program wrote are read: their octets rest in tests/states, a file for each version of the codec.

A new version of the codec adds a file here and changes none: what is in a running system's changelog is what these are.
"""

from base64 import b64decode
from pathlib import Path

import orjson
import pytest
from msgspec.structs import astuple

from models.judgement import codec
from models.judgement.gateway import GatewayTime
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
    assert gateways == {name: GatewayTime(*times) for name, times in lane["gateways"].items()}
    incidents = codec.unpack_incidents(b64decode(lane["packed_incidents"]))
    assert [[*astuple(incident)] for incident in incidents] == [
        [*fields[:5], tuple(map(tuple, fields[5])), fields[6]] for fields in lane["incidents"]]


def test_the_newest_version_writes_what_it_read() -> None:
    """The octets change only with VERSION. Otherwise an older program could not read them after a rollback."""
    for line in map(orjson.loads, (STATES / f"version-{codec.VERSION}.jsonl").read_bytes().splitlines()):
        packed = b64decode(line["packed"])
        assert codec.pack_person(codec.unpack_person(packed, line["subject"])) == packed
    lane = orjson.loads((STATES / f"lane-{codec.VERSION}.json").read_bytes())
    times, incidents = b64decode(lane["times"]), b64decode(lane["packed_incidents"])
    assert codec.pack_times(codec.unpack_times(times)) == times
    assert codec.pack_incidents(codec.unpack_incidents(incidents)) == incidents


def test_a_number_is_read_back_as_it_was_written() -> None:
    """15 and 15.0 are equal, but differ as text in the evidence of an alert, and in the changelog."""
    schedule = Schedule("Asia/Seoul", None, None, 30, 0)
    for limit, scale in ((15, 10), (15.0, 10.0), (1 << 60, 1e300)):
        profile = Profile(1, "jongno", "seoul-1", retired=False, schedule=schedule,
                          thresholds=Thresholds(battery_pct=limit),
                          attributes={7: AttributeSpec("x", None, scale, None, None)})
        read = codec.unpack_person(codec.pack_person(Person(profile, None)), 1).profile
        assert (repr(read.thresholds), repr(read.attributes)) == (repr(profile.thresholds), repr(profile.attributes))
