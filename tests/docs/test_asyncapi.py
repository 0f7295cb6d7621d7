"""The description of the topics in docs/asyncapi.json says what the code publishes, and what its parsers take."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.days import made_up
from support.story import Stage
from support.vectors import SCENARIOS, VECTORS, read_lines

from models.contract.asks import parse_ask
from models.contract.command import parse_command
from models.contract.records import parse_sms
from models.contract.registry import parse_profile
from models.errors import ContractError

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "asyncapi.json").read_bytes())
SCHEMAS = {name: Draft202012Validator(schema) for name, schema in DOCUMENT["components"]["schemas"].items()}
PARSERS: dict[str, Any] = {"Sms": parse_sms, "Tick": parse_sms, "Profile": parse_profile, "Command": parse_command,
                           "Ask": parse_ask}


def schema_of(topic: str, value: dict[str, Any]) -> str:
    match topic:
        case "sms":
            return "Tick" if value.get("type") == "tick" else "Sms"
        case "reports":
            return {"report": "Report", "checkin": "CheckIn", "progress": "Progress",
                    "refused": "Refused"}[value["type"]]
        case _:
            return {"registry": "Profile", "commands": "Command", "alerts": "Alert", "quarantine": "Quarantined",
                    "asks": "Ask"}[topic]


def errors(topic: str, value: dict[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in SCHEMAS[schema_of(topic, value)].iter_errors(value)]


def test_every_schema_is_valid_and_every_topic_is_described() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert set(DOCUMENT["channels"]) == {"sms", "registry", "commands", "alerts", "reports", "quarantine", "asks"}


@pytest.mark.parametrize("seed", range(20))
def test_published_records_match_their_schemas(seed: int) -> None:
    stage = Stage()
    for text in made_up(seed):
        for output in stage.outputs(text):
            assert errors(output.topic, json.loads(output.value or b"")) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenarios_match_their_schemas(name: str) -> None:
    for line in read_lines(VECTORS / "scenarios" / f"{name}.out.jsonl"):
        assert errors(line["topic"], line["value"]) == []
    for line in read_lines(VECTORS / "scenarios" / f"{name}.in.jsonl"):
        value = line.get("value")
        if isinstance(value, dict):
            assert taken(line["topic"], value) == (not errors(line["topic"], value) and _complete(value))


def taken(topic: str, value: dict[str, Any]) -> bool:
    try:
        PARSERS[schema_of(topic, value)](value)
    except ContractError:
        return False
    return True


def _complete(value: dict[str, Any]) -> bool:
    """What a schema does not say: the fields that the type of a command needs, and the order and distance of dates."""
    needed = {"assign": ["alert", "assignee"], "comment": ["alert", "text"], "acknowledge": ["alert"],
              "resolve": ["alert"], "unacknowledge": ["alert"], "reopen": ["alert"], "excuse": ["from", "to"],
              "unexcuse": ["from", "to"]}.get(value.get("type", ""), [])
    if not all(value.get(name) for name in needed):
        return False
    first, last = (date.fromisoformat(value.get(name) or "2026-11-24") for name in ("from", "to"))
    return timedelta(0) <= last - first <= timedelta(days=366)


@pytest.mark.parametrize("name", ["Sms", "Tick", "Profile", "Command", "Ask"])
def test_a_required_field_is_required_by_both(name: str) -> None:
    wholes: dict[str, dict[str, Any]] = {
        "Sms": {"received_at": "2026-11-24T00:00:00Z", "text": "W.x"},
        "Tick": {"type": "tick", "source": "clock", "at": "2026-11-24T00:00:00Z"},
        "Profile": {"subject": 1, "site": "s", "gateway": "g", "tz": "Asia/Seoul", "since": "2026-11-24T00:00:00Z"},
        "Command": {"id": "1", "type": "resolve", "subject": 1, "by": "kim", "at": "2026-11-24T00:00:00Z",
                    "alert": "x"},
        "Ask": {"type": "ask", "id": "2026-11-24:morning/1", "subject": 1, "site": "s", "gateway": "g", "slot": 0,
                "window": "2026-11-24:morning", "number": 1, "to": "+821000000001", "text": "W.x",
                "at": "2026-11-24T00:00:00Z", "until": "2026-11-24T00:30:00Z"},
    }
    whole = wholes[name]
    assert SCHEMAS[name].is_valid(whole)
    PARSERS[name](whole)
    for field in DOCUMENT["components"]["schemas"][name]["required"]:
        if (name, field) in (("Tick", "type"), ("Ask", "id")):
            continue  # a tick without it is an SMS; the id of a question follows from window and number
        less = {key: value for key, value in whole.items() if key != field}
        assert not SCHEMAS[name].is_valid(less)
        with pytest.raises(ContractError):
            PARSERS[name](less)
