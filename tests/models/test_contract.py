"""A value that breaks the contract is refused by the name of its field, and every other value is read."""

import contextlib
import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.command import CommandType, parse_command
from models.contract.inputs import Sms, Tick
from models.contract.records import LONGEST, parse_object, parse_sms, read_time
from models.contract.registry import parse_profile
from models.errors import ContractError
from models.profile import (
    AttributeSpec,
    DailyWindow,
    EscalationStep,
    Excuse,
    Profile,
    Reminders,
    Schedule,
    Thresholds,
)

SMS = {"received_at": "2026-11-23T21:04:05Z", "text": "W.x"}
GATEWAY_TICK = {"type": "tick", "source": "gateway", "gateway": "seoul-1", "at": "2026-11-23T21:04:10Z"}
DEVICE = {"slot": 0, "epoch": 1, "kek": "k1", "key": b64encode(bytes(44)).decode()}
PROFILE: dict[str, Any] = {"subject": 42, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
                           "since": "2026-11-01T00:00:00Z"}
COMMAND = {"id": "1", "type": "acknowledge", "subject": 42, "by": "kim", "at": "2026-11-24T00:35:00Z",
           "alert": "42:sos:0.1.1"}
EXCUSE = {"id": "1", "type": "excuse", "subject": 42, "by": "kim", "at": "2026-11-24T00:35:00Z", "from": "2026-11-24",
          "to": "2026-11-24"}


def test_an_sms_is_read() -> None:
    assert parse_sms({**SMS, "type": "sms", "gateway": "g", "id": "i", "sender": "s", "unknown": 1}) == Sms(
        1_795_467_845, "W.x", None, "g", "i", "s")
    eight_bit = {"received_at": "2026-11-24T06:04:05.9+09:00", "binary": "AA=="}
    assert parse_sms(eight_bit) == Sms(1_795_467_845, None, "AA==")


def test_ticks_are_read() -> None:
    assert parse_sms(GATEWAY_TICK) == Tick("gateway", "seoul-1", 1_795_467_850)
    assert parse_sms({**GATEWAY_TICK, "quiet_since": None}) == Tick("gateway", "seoul-1", 1_795_467_850)
    assert parse_sms({**GATEWAY_TICK, "quiet_since": "2026-11-23T21:04:00Z"}) == Tick(
        "gateway", "seoul-1", 1_795_467_850, quiet_since=1_795_467_840)
    assert parse_sms({"type": "tick", "source": "clock", "at": "2026-11-23T21:04:10Z", "quiet_since": 5}) == Tick(
        "clock", None, 1_795_467_850)


@pytest.mark.parametrize(("document", "field"), [
    ({**SMS, "type": "letter"}, "type"),
    ({"text": "W.x"}, "received_at"),
    ({**SMS, "received_at": "2026-11-23T21:04:05"}, "received_at"),
    ({**SMS, "text": None}, "text"),
    ({**SMS, "text": 5}, "text"),
    ({**SMS, "binary": 5}, "binary"),
    ({**SMS, "gateway": 5}, "gateway"),
    ({**SMS, "id": 5}, "id"),
    ({**SMS, "sender": 5}, "sender"),
    ({**GATEWAY_TICK, "source": "moon"}, "source"),
    ({**GATEWAY_TICK, "gateway": ""}, "gateway"),
    ({**GATEWAY_TICK, "at": None}, "at"),
    ({**GATEWAY_TICK, "quiet_since": "yesterday"}, "quiet_since"),
])
def test_a_malformed_sms_is_refused(document: dict[str, Any], field: str) -> None:
    with pytest.raises(ContractError, match=f"^{field}$"):
        parse_sms(document)


@pytest.mark.parametrize(("value", "said"), [(b"{\xff", "not JSON"), (b"", "not JSON"), (b"[1]", "not an object"),
                                             (b" " * LONGEST + b"{}", "longer than")])
def test_a_value_that_is_not_an_object_is_refused(value: bytes, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        parse_object(value)


def test_the_time_of_a_malformed_record_is_read_if_possible() -> None:
    assert read_time({"at": "2026-11-23T21:04:10Z"}, "at") == 1_795_467_850
    assert read_time({"at": "yesterday"}, "at") is None


def test_a_profile_is_read() -> None:
    profile = parse_profile({
        **PROFILE, "retired": True, "grace_min": 0, "devices": [DEVICE, {**DEVICE, "msisdn": "+821000000042"}],
        "windows": {"morning": {"open": "05:00", "close": "23:59"}, "afternoon": None},
        "excused": [{"from": "2020-01-01", "to": "2020-01-03", "reason": "travel"}],
        "escalation": [{"after_min": 0, "to": "lead"}],
        "thresholds": {"battery_pct": 20, "temp_c": [1.5, 30], "out_h": 48},
        "ask_min": [0, 15, 1440], "remind": {"urgent_min": 0},
        "attributes": {"7": {"name": "co2", "unit": "ppm", "scale": 10, "range": [0, 100]}, "8": {"name": "x"}}})
    assert profile.retired
    assert profile.schedule == Schedule("Asia/Seoul", DailyWindow(300, 1439), None, 0, 1_793_491_200)
    assert profile.excused == (Excuse(0, 2),)
    assert profile.escalation == (EscalationStep(0, "lead"),)
    assert profile.thresholds == Thresholds(battery_pct=20, temp_low=1.5, temp_high=30, out_h=48)
    assert [device.msisdn for device in profile.devices] == [None, "+821000000042"]
    assert (profile.ask_min, profile.remind) == ((0, 15, 1440), Reminders(urgent_min=0, other_min=240))
    assert profile.attributes == {7: AttributeSpec("co2", "ppm", 10, 0, 100),
                                  8: AttributeSpec("x", None, 1, None, None)}


def test_defaults_are_those_of_the_contract() -> None:
    schedule = Schedule("Asia/Seoul", DailyWindow(360, 540), DailyWindow(780, 900), 30, 1_793_491_200)
    assert parse_profile(PROFILE) == Profile(42, "jongno", "seoul-1", retired=False, schedule=schedule)


def window(**fields: Any) -> dict[str, Any]:
    return {"windows": {"morning": {"open": "06:00", "close": "09:00", **fields}}}


@pytest.mark.parametrize(("change", "field"), [
    ({"subject": "42"}, "subject"), ({"subject": True}, "subject"), ({"subject": -1}, "subject"),
    ({"subject": 1 << 32}, "subject"), ({"site": None}, "site"), ({"site": ""}, "site"), ({"gateway": 1}, "gateway"),
    ({"since": "2026-11-01"}, "since"), ({"retired": 1}, "retired"), ({"grace_min": -1}, "grace_min"),
    ({"grace_min": 1441}, "grace_min"), ({"grace_min": True}, "grace_min"), ({"grace_min": 30.0}, "grace_min"),
    *(({"tz": zone}, "tz") for zone in (
        "Asia/Atlantis", "Asia", "../../etc/passwd", "/etc/passwd", "", 5, None, "x" * 300, "localtime")),
    ({"windows": []}, "windows"), ({"windows": {"morning": 6}}, "windows.morning"),
    (window(open="6:00"), "windows.morning.open"), (window(close="24:00"), "windows.morning.close"),
    (window(open=None), "windows.morning.open"), (window(close="06:00"), "windows.morning.close"),
    (window(close="05:00"), "windows.morning.close"),
    ({"devices": {}}, "devices"), ({"devices": [5]}, r"devices\[0\]"),
    ({"devices": [DEVICE, {**DEVICE, "slot": 8}]}, r"devices\[1\].slot"),
    ({"devices": [{**DEVICE, "epoch": 1 << 24}]}, r"devices\[0\].epoch"),
    ({"devices": [{**DEVICE, "kek": None}]}, r"devices\[0\].kek"),
    ({"devices": [{**DEVICE, "key": "AAAA"}]}, r"devices\[0\].key"),
    ({"devices": [{**DEVICE, "key": "no base64"}]}, r"devices\[0\].key"),
    ({"devices": [{**DEVICE, "key": None}]}, r"devices\[0\].key"),
    ({"excused": [{"from": "2026-11-24"}]}, r"excused\[0\].to"),
    ({"excused": [{"from": "2026-11-24", "to": "2026-11-23"}]}, r"excused\[0\].to"),
    ({"excused": [{"from": "2026-11-24", "to": "2027-11-26"}]}, r"excused\[0\].to"),
    ({"excused": [{"from": "2026-02-30", "to": "2026-03-01"}]}, r"excused\[0\].from"),
    ({"excused": [{"from": "2026-11-24", "to": "2026-11-24", "reason": 5}]}, r"excused\[0\].reason"),
    ({"escalation": [{"after_min": -1, "to": "lead"}]}, r"escalation\[0\].after_min"),
    ({"escalation": [{"after_min": 1}]}, r"escalation\[0\].to"),
    ({"thresholds": 5}, "thresholds"), ({"thresholds": {"idle_h": "12"}}, "thresholds.idle_h"),
    ({"thresholds": {"temp_c": [1]}}, "thresholds.temp_c"), ({"thresholds": {"temp_c": [9, 1]}}, "thresholds.temp_c"),
    ({"thresholds": {"temp_c": [1, None]}}, "thresholds.temp_c"),
    ({"thresholds": {"out_h": True}}, "thresholds.out_h"),
    *(({"devices": [{**DEVICE, "msisdn": number}]}, r"devices\[0\].msisdn") for number in (
        "", 821000000042, "821000000042", "+123456", "+1234567890123456", "+82 10 0000 0042", "+８２1000000042")),
    ({"ask_min": 5}, "ask_min"), ({"ask_min": {}}, "ask_min"), ({"ask_min": [15, 0]}, "ask_min"),
    ({"ask_min": [0, 0]}, "ask_min"), ({"ask_min": [-1]}, "ask_min"), ({"ask_min": [1441]}, "ask_min"),
    ({"ask_min": [True]}, "ask_min"), ({"ask_min": [0.0]}, "ask_min"), ({"ask_min": ["0"]}, "ask_min"),
    ({"ask_min": [*range(8)]}, "ask_min"),
    ({"remind": 30}, "remind"), ({"remind": {"urgent_min": -1}}, "remind.urgent_min"),
    ({"remind": {"other_min": 30.0}}, "remind.other_min"), ({"remind": {"other_min": True}}, "remind.other_min"),
    ({"attributes": {"0": {"name": "x"}}}, "attributes.0"), ({"attributes": {"256": {"name": "x"}}}, "attributes.256"),
    *(({"attributes": {number: {"name": "x"}}}, f"attributes.{number}") for number in ("x", "07", "", "٧", "9" * 5000)),
    ({"attributes": {"7": 5}}, "attributes.7"),
    ({"attributes": {"7": {"name": ""}}}, "attributes.7.name"),
    ({"attributes": {"7": {"name": "x", "unit": 5}}}, "attributes.7.unit"),
    ({"attributes": {"7": {"name": "x", "scale": 0}}}, "attributes.7.scale"),
    ({"attributes": {"7": {"name": "x", "scale": "1"}}}, "attributes.7.scale"),
    ({"attributes": {"7": {"name": "x", "range": [1]}}}, "attributes.7.range"),
    ({"attributes": {"7": {"name": "x", "range": [1, "2"]}}}, "attributes.7.range"),
])
def test_a_malformed_profile_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ContractError, match=f"^{field}$"):
        parse_profile({**PROFILE, **change})


@pytest.mark.parametrize(("document", "field"), [
    ({**COMMAND, "id": None}, "id"), ({**COMMAND, "id": ""}, "id"), ({**COMMAND, "type": "dance"}, "type"),
    ({**COMMAND, "type": None}, "type"), ({**COMMAND, "subject": None}, "subject"), ({**COMMAND, "by": 5}, "by"),
    ({**COMMAND, "at": "now"}, "at"), ({**COMMAND, "alert": None}, "alert"), ({**COMMAND, "text": 5}, "text"),
    ({**COMMAND, "type": "assign"}, "assignee"), ({**COMMAND, "type": "comment"}, "text"),
    ({**COMMAND, "type": "resolve", "alert": ""}, "alert"),
    ({**EXCUSE, "from": None}, "from"), ({**EXCUSE, "to": "24 November"}, "to"), ({**EXCUSE, "to": "2026-11-23"}, "to"),
    ({**EXCUSE, "text": 5}, "text"), ({**EXCUSE, "to": "2027-11-26"}, "to"),
    ({**EXCUSE, "type": "unexcuse", "to": "2027-11-26"}, "to"),
    ({**COMMAND, "type": "unacknowledge", "alert": None}, "alert"),
    ({**COMMAND, "type": "reopen", "alert": None}, "alert"),
    *(({**COMMAND, "type": "resolve", "outcome": word}, "outcome") for word in ("", "Fine", "at home", "a" * 41, 5)),
])
def test_a_malformed_command_is_refused(document: dict[str, Any], field: str) -> None:
    with pytest.raises(ContractError, match=f"^{field}$"):
        parse_command(document)


def test_commands_are_read() -> None:
    assert parse_command(COMMAND).type is CommandType.ACKNOWLEDGE
    assert parse_command({**COMMAND, "type": "assign", "assignee": "lee"}).assignee == "lee"
    assert parse_command({**COMMAND, "type": "comment", "text": "on my way"}).text == "on my way"
    assert parse_command({**COMMAND, "type": "reopen"}).type is CommandType.REOPEN
    assert parse_command({**COMMAND, "type": "resolve", "outcome": "at_home"}).outcome == "at_home"
    assert parse_command({**COMMAND, "type": "comment", "text": "x", "outcome": "a" * 40}).outcome == "a" * 40
    assert parse_command({**COMMAND, "type": "unacknowledge", "outcome": "!"}).outcome is None
    assert parse_command({**EXCUSE, "to": "2027-11-25"}).last == 2519 + 366
    excused = parse_command({**EXCUSE, "type": "unexcuse"})
    assert (excused.first, excused.last, excused.alert) == (2519, 2519, None)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
                    max_leaves=8)


@given(st.sampled_from(["sms", "profile", "command"]), st.data())
def test_any_json_is_read_or_raises_a_contract_error(kind: str, data: st.DataObject) -> None:
    parse, whole = {"sms": (parse_sms, {**SMS, **GATEWAY_TICK}), "profile": (parse_profile, {
        **PROFILE, "windows": {}, "devices": [DEVICE], "attributes": {}, "thresholds": {}, "excused": [],
        "escalation": [], "ask_min": [], "remind": {}}), "command": (parse_command, {**COMMAND, **EXCUSE})}[kind]
    document = dict(whole)
    document[data.draw(st.sampled_from(sorted(whole)))] = data.draw(JSON)
    with contextlib.suppress(ContractError):
        parse(document)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_octets_are_an_object_or_refused(value: bytes) -> None:
    with contextlib.suppress(ContractError):
        assert isinstance(parse_object(value), dict)
