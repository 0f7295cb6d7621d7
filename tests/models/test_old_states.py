"""States that an older program wrote are read: their octets rest in tests/states, a file for each version of the codec.

A new version of the codec adds a file here and changes none: what is in a running system's changelog is what these are.
"""

from base64 import b64decode
from pathlib import Path

import orjson
import pytest

from models import codec
from models.view import view

STATES = Path(__file__).parents[1] / "states"


@pytest.mark.parametrize("version", range(1, codec.VERSION + 1))
def test_states_of_each_version_are_read(version: int) -> None:
    lines = [orjson.loads(line) for line in (STATES / f"version-{version}.jsonl").read_bytes().splitlines()]
    assert any(line["view"]["alerts"] for line in lines)
    for line in lines:
        person = codec.unpack_person(b64decode(line["packed"]), line["subject"])
        assert view(person) == line["view"]
        seen = codec.glance(b64decode(line["packed"]))
        assert (seen.gateway, seen.retired) == (person.profile.gateway, person.profile.retired)


def test_the_newest_version_writes_what_it_read() -> None:
    """As long as VERSION stays, so do the octets: else a program of yesterday could not read them after a step back."""
    for line in map(orjson.loads, (STATES / f"version-{codec.VERSION}.jsonl").read_bytes().splitlines()):
        packed = b64decode(line["packed"])
        assert codec.pack_person(codec.unpack_person(packed, line["subject"])) == packed
