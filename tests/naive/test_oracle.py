"""The naive implementation agrees with the frames and scenarios of tests/vectors."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from support.compare import differences

from naive import wire
from naive.oracle import replay
from naive.records import parse_registry, parse_time
from naive.reports import receive
from naive.world import World, new_person

VECTORS = Path(__file__).parents[1] / "vectors"
SCENARIOS = sorted(path.name.removesuffix(".in.jsonl") for path in (VECTORS / "scenarios").glob("*.in.jsonl"))


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / name).read_text(encoding="utf-8").splitlines()]


def keks() -> dict[str, bytes]:
    document = json.loads((VECTORS / "scenarios" / "kek.json").read_text(encoding="utf-8"))
    return {name: base64.b64decode(key) for name, key in document.items()}


FRAMES = read("frames.jsonl")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_naive_implementation_answers_a_scenario_as_written(name: str) -> None:
    assert differences(read(f"scenarios/{name}.out.jsonl"), replay(read(f"scenarios/{name}.in.jsonl"), keks())) == []


@pytest.mark.parametrize("vector", [one for one in FRAMES if one["kind"] != "wrap"], ids=lambda one: str(one["name"]))
def test_the_naive_implementation_reads_each_frame_vector(vector: dict[str, Any]) -> None:
    world, person = World(keks()), new_person(vector["registry"]["subject"])
    person["profile"] = parse_registry(vector["registry"])
    world.people[person["subject"]] = person
    for text, binary in ((vector.get("text"), None), (None, vector.get("binary"))):
        if text is None and binary is None:
            continue
        if vector["reason"]:
            with pytest.raises(wire.Refused) as refused:
                receive(world, wire.find_frames(text, binary)[0], 0)
            assert refused.value.reason == vector["reason"]
            continue
        _, report = receive(world, wire.find_frames(text, binary)[0], 0)
        fields = dict(vector["fields"])
        if fields.get("device_time"):
            fields["device_time"] = parse_time(fields["device_time"], "device_time")
        assert {name: report[name] for name in fields} == fields


@pytest.mark.parametrize("vector", read("questions.jsonl"), ids=lambda one: f"{one['subject']} {one['number']}")
def test_question(vector: dict[str, Any]) -> None:
    frame = wire.question(bytes.fromhex(vector["device_key"]), vector["subject"], vector["slot"], vector["epoch"],
                          vector["window"], vector["number"])
    assert (frame.hex(), wire.to_text(frame)) == (vector["frame"], vector["text"])


@pytest.mark.parametrize("vector", [one for one in FRAMES if one["kind"] == "wrap"], ids=lambda one: str(one["name"]))
def test_the_naive_implementation_unwraps_each_key_vector(vector: dict[str, Any]) -> None:
    key = wire.unwrap(bytes.fromhex(vector["kek_octets"]), base64.b64decode(vector["wrapped"]), vector["subject"],
                      vector["slot"], vector["epoch"])
    assert key == (None if vector["reason"] else bytes.fromhex(vector["device_key"]))
