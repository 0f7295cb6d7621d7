"""docs/contracts.md is true: its examples are one day of one person, and the core gives the outputs that it shows."""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from jsonschema import Draft202012Validator

from models.contract.alerts import Change, ClearReason, Kind
from models.contract.asks import parse_ask
from models.contract.inputs import Record
from models.contract.outputs import write_ask
from models.errors import RejectReason
from models.judgement.fold import CODE, Fold
from models.judgement.lane import INCIDENTS_KEY, LANE_KEY, QUESTIONS_KEY, LaneState
from models.times import format_time
from models.wire.frame import to_text
from models.wire.keys import KeyRing, message_key, unwrap
from models.wire.question import Question, seal_question
from runtime.settings import Settings
from streams.engine.changelog import DONE, OWNER, PLAN, BatchPlan
from streams.topics import ASKS, topics

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "contracts.md").read_text(encoding="utf-8")
SCHEMAS: dict[str, Any] = json.loads((DOCS / "asyncapi.json").read_bytes())["components"]["schemas"]
KEK, DEVICE_KEY = bytes(range(32)), bytes(range(16))
CHANGELOG = "<app>-people-changelog"


def _examples() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for section in re.split(r"^###? `", TEXT, flags=re.MULTILINE)[1:]:
        topic = section.partition("`")[0]
        found += [(topic, json.loads(block)) for block in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]
    return found


EXAMPLES = _examples()
OF_TOPICS = [(topic, value) for topic, value in EXAMPLES if topic != CHANGELOG]
INPUTS = ("registry", "sms", "commands")


def _schema_of(topic: str, value: dict[str, Any]) -> str:
    by_type = {"tick": "Tick", "report": "Report", "checkin": "CheckIn", "progress": "Progress", "refused": "Refused"}
    by_topic = {"sms": "Sms", "registry": "Profile", "commands": "Command", "alerts": "Alert",
                "quarantine": "Quarantined", "asks": "Ask"}
    return by_type.get(value.get("type", "")) or by_topic[topic]


def _at(value: dict[str, Any]) -> str:
    return str(value.get("at") or value.get("received_at") or "")  # a profile has neither, and comes first


def test_every_record_type_has_an_example() -> None:
    assert {_schema_of(topic, value) for topic, value in OF_TOPICS} == set(SCHEMAS)


@pytest.mark.parametrize(("topic", "value"), OF_TOPICS, ids=[_schema_of(*one) for one in OF_TOPICS])
def test_an_example_matches_its_schema(topic: str, value: dict[str, Any]) -> None:
    Draft202012Validator(SCHEMAS[_schema_of(topic, value)]).validate(value)


def test_the_examples_are_one_day() -> None:
    """The inputs of the page, with the tick of that morning and the SMS in quarantine, give its outputs."""
    profile = next(value for topic, value in EXAMPLES if topic == "registry")
    assert unwrap(KEK, b64decode(profile["devices"][0]["key"]), 42, 0, 1) == DEVICE_KEY
    first_tick = {"type": "tick", "source": "gateway", "gateway": "seoul-1", "at": "2026-11-23T20:00:00Z"}
    rejected = next(value for topic, value in EXAMPLES if topic == "quarantine")
    inputs = [("sms", first_tick), (rejected["origin"]["topic"], rejected["original"]),
              *(one for one in EXAMPLES if one[0] in INPUTS)]
    lane, fold, offsets, outputs = LaneState(0), Fold(KeyRing({"k1": KEK})), dict.fromkeys(INPUTS, 0), []
    for topic, value in sorted(inputs, key=lambda one: _at(one[1])):
        record = Record(topic, 0, offsets[topic], None, json.dumps(value).encode())
        outputs += [(output.topic, json.loads(output.value or b"")) for output in fold(lane, record)]
        offsets[topic] += 1
    progress = [value for _, value in OF_TOPICS if value.get("type") == "progress"]
    expected = [one for one in OF_TOPICS if one[0] not in (*INPUTS, ASKS) and one[1] not in progress]
    assert len(expected) >= 6
    assert [one for one in expected if one not in outputs] == []
    assert [one for one in outputs if one[0] == "quarantine"] == [one for one in expected if one[0] == "quarantine"]
    judged = lane.summary()
    assert judged.clock is not None
    assert [(one["gateways"], one["clock"]) for one in progress] == [
        ({name: format_time(at) for name, at in judged.until.items()}, format_time(judged.clock))]


def test_the_question_is_one_to_the_device_of_the_examples() -> None:
    document = next(value for topic, value in EXAMPLES if topic == ASKS)
    ask, device = parse_ask(document), next(value for topic, value in EXAMPLES if topic == "registry")["devices"][0]
    assert json.loads(write_ask(ask).value or b"") == document
    cipher = AESCCM(message_key(DEVICE_KEY, 42, 0, 1), tag_length=8)
    assert ask.text == to_text(seal_question(cipher, 42, ask.slot, 1, Question(ask.window, ask.number)))
    assert ask.to == device["msisdn"]


def test_the_engines_records_are_those_of_the_changelog() -> None:
    plan, done = (value for topic, value in EXAMPLES if topic == CHANGELOG)
    assert BatchPlan(**plan).code == CODE
    assert set(done) == set(INPUTS)
    assert done[plan["topic"]] == plan["end"]
    for key in (PLAN, DONE, OWNER, LANE_KEY, INCIDENTS_KEY, QUESTIONS_KEY):
        assert f"| `\\0{key[1:].decode()}` |" in TEXT


def _section(topic: str) -> str:
    return next(one for one in re.split(r"^###? ", TEXT, flags=re.MULTILINE) if one.startswith(f"`{topic}`"))


def _paths(schema: dict[str, Any], prefix: str = "") -> set[str]:
    return {f"{prefix}{name}" for name in schema.get("properties", {})}


@pytest.mark.parametrize(("topic", "name"), [
    ("sms", "Sms"), ("sms", "Tick"), ("registry", "Profile"), ("commands", "Command"), ("alerts", "Alert"),
    ("reports", "Report"), ("reports", "CheckIn"), ("reports", "Progress"), ("reports", "Refused"),
    ("quarantine", "Quarantined"), ("asks", "Ask")])
def test_every_field_has_its_line(topic: str, name: str) -> None:
    schema = SCHEMAS[name]
    fields = _paths(schema) if name != "Alert" else (
        _paths(schema) - {"data"} | _paths(schema["properties"]["data"], "data.") - {"data.cause"})
    named = set(re.findall(r"`([^`]+)`", "\n".join(
        line.split("|")[1] for line in _section(topic).splitlines() if line.startswith("| `"))))
    assert fields - named == set()


def test_every_value_of_an_enumeration_is_named() -> None:
    words = [*Change, *Kind, *ClearReason, *RejectReason]
    assert [word for word in words if f"`{word}`" not in TEXT] == []


def test_the_reasons_stand_in_the_order_in_which_they_are_checked() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", _section("quarantine"), re.MULTILINE)
    assert [row for row in rows if row in set(RejectReason)] == list(RejectReason)


def test_every_topic_has_a_heading_and_its_retention() -> None:
    rows = dict(re.findall(r"^\| \[`([^`]+)`\]\(#[\w-]+\) \| ([^|]+) \|", TEXT, re.MULTILINE))
    declared = {one.name.replace("anbu-", "<app>-"): one.config for one in topics(Settings.from_env({}))}
    assert set(rows) == set(declared)
    for name, config in declared.items():
        assert re.search(rf"^###? `{name}`$", TEXT, re.MULTILINE), name
        if config["cleanup.policy"] == "delete":
            assert rows[name].removesuffix("s") == f"{int(config['retention.ms']) // 86_400_000} day"
        else:
            assert rows[name].startswith("compact, lag 1 to 30 days, tombstones 7 days")


def test_no_line_is_too_long() -> None:
    lines = TEXT.splitlines()
    assert [line for line in lines if len(line) > (250 if line.lstrip().startswith(("|", '"')) else 120)] == []
