"""Properties of every record and every payload, compared with naive implementations."""

import contextlib
import copy
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.contract.command import parse_command
from models.contract.inputs import Record
from models.contract.records import parse_sms
from models.contract.registry import parse_profile
from models.errors import ContractError
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.report import StatusReport
from models.times import format_date, parse_date
from models.wire.keys import KeyRing
from models.wire.payload import decode, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2**63, 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(["9" * 5000, "2026-11-24", "2026-11-24T00:00:00Z", "24:00"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=6)

SMS = {"type": "sms", "gateway": "seoul-1", "id": "7", "sender": "+82", "text": "W.x", "binary": "AA==",
       "received_at": "2026-11-23T21:04:05Z"}
TICK = {"type": "tick", "source": "gateway", "gateway": "seoul-1", "at": "2026-11-23T21:04:10Z"}
PROFILE = {
    "subject": 42, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-11-01T00:00:00Z",
    "retired": False, "grace_min": 30,
    "windows": {"morning": {"open": "06:00", "close": "09:00"}, "afternoon": {"open": "13:00", "close": "15:00"}},
    "devices": [{"slot": 0, "epoch": 1, "kek": "k1", "key": b64encode(bytes(44)).decode()}],
    "excused": [{"from": "2026-12-24", "to": "2026-12-26", "reason": "travel"}],
    "escalation": [{"after_min": 10, "to": "backup"}],
    "thresholds": {"battery_pct": 15, "signal_dbm": -105, "idle_h": 12, "temp_c": [5, 33]},
    "attributes": {"7": {"name": "co2", "unit": "ppm", "scale": 1, "range": [0, 10000]}},
}
COMMAND = {"id": "1", "type": "assign", "subject": 42, "by": "kim", "at": "2026-11-24T00:35:00Z",
           "alert": "42:sos:0.1.1", "assignee": "lee", "text": "on my way"}
EXCUSE = {"id": "1", "type": "excuse", "subject": 42, "by": "kim", "at": "2026-11-24T00:35:00Z", "from": "2026-11-24",
          "to": "2026-11-30"}
WHOLE: dict[str, tuple[str, Callable[[dict[str, Any]], object], dict[str, Any]]] = {
    "sms": ("sms", parse_sms, SMS), "tick": ("sms", parse_sms, TICK), "profile": ("registry", parse_profile, PROFILE),
    "command": ("commands", parse_command, COMMAND), "excuse": ("commands", parse_command, EXCUSE)}


@st.composite
def broken(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """A whole record in which one value at any depth is replaced, or one name is changed or left out."""
    document = copy.deepcopy(whole)
    place: Any = document
    while True:
        at = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inside = place[at]
        if isinstance(inside, dict | list) and inside and draw(st.booleans()):
            place = inside
            continue
        change = draw(st.sampled_from(["replace", "remove", "rename"]))
        if change == "replace":
            place[at] = draw(JSON)
        else:
            del place[at]
            if change == "rename" and isinstance(place, dict):
                place[draw(st.sampled_from(["0", "07", "256", "9" * 5000, "٧", ""]) | st.text(max_size=4))] = inside
        return document


def broken_records(names: list[str]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), broken(WHOLE[name][2])))


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_record_is_taken(name: str) -> None:
    _, parse, whole = WHOLE[name]
    parse(whole)


@given(broken_records(sorted(WHOLE)))
def test_a_record_broken_anywhere_is_read_or_refused_by_name(case: tuple[str, dict[str, Any]]) -> None:
    name, document = case
    with contextlib.suppress(ContractError):
        WHOLE[name][1](document)


@given(broken_records(sorted(WHOLE)))
@example(("profile", {**PROFILE, "attributes": {"9" * 5000: {"name": "x"}}}))
def test_a_record_broken_anywhere_never_stops_the_lane(case: tuple[str, dict[str, Any]]) -> None:
    """An error in the fold would end the worker at the same record again and again."""
    name, document = case
    lane, fold = LaneState(0), Fold(KeyRing({}))
    records = [("registry", PROFILE), ("sms", TICK), (WHOLE[name][0], document),
               ("sms", {**TICK, "at": "2026-11-24T23:00:00Z"})]
    for offset, (topic, value) in enumerate(records):
        fold(lane, Record(topic, 0, offset, b"42", json.dumps(value).encode()))
    lane.take_touched()


def up_to(high: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, high)


REPORTS = st.builds(
    StatusReport,
    device_time=st.none() | st.integers(1_577_836_801, 1_577_836_800 + 2**32 - 1), window=up_to(2**16 - 2),
    flags=st.integers(0, 255), idle_min=up_to(2**16 - 2), first_activity_min=up_to(1439),
    battery_pct=up_to(100), signal_dbm=st.none() | st.integers(-254, 0), temp_c=st.none() | st.integers(-127, 127),
    humidity_pct=up_to(100), reset_cause=st.integers(0, 255), faults=st.integers(0, 255),
    firmware=st.integers(0, 255), config=st.integers(0, 255),
    activity=st.lists(st.integers(0, 15), min_size=24, max_size=24).map(tuple),
    previous=st.lists(st.integers(0, 3), min_size=16, max_size=16).map(bytes),
    alarm=st.integers(0, 255), alarm_age_min=st.integers(0, 2**16 - 1), out_of_range=st.just(False),
    listens=st.booleans(), answers=st.none() | st.integers(1, 7))


@given(REPORTS)
def test_a_report_is_read_as_it_was_sent(report: StatusReport) -> None:
    octets = encode(report)
    assert len(octets) == 40
    assert decode(octets, {}) == report


@given(st.binary(min_size=40, max_size=40))
def test_a_status_report_is_read_as_the_table_of_the_wire_format_says(octets: bytes) -> None:
    report = decode(b"\x01" + octets[1:], {})
    assert isinstance(report, StatusReport)

    def number(first: int, last: int, unknown: int, high: int = 2**32) -> int | None:
        value = int.from_bytes(octets[first:last + 1])
        return None if value == unknown or value > high else value

    bits = "".join(f"{octet:08b}" for octet in octets)
    seconds, signal, temperature = number(1, 4, 0), number(13, 13, 0xFF), int.from_bytes(octets[14:15], signed=True)
    assert report == StatusReport(
        device_time=None if seconds is None else seconds + 1_577_836_800, window=number(5, 6, 0xFFFF), flags=octets[7],
        idle_min=number(8, 9, 0xFFFF), first_activity_min=number(10, 11, 0xFFFF, 1439),
        battery_pct=number(12, 12, 0xFF, 100), signal_dbm=None if signal is None else -signal,
        temp_c=None if temperature == -128 else temperature, humidity_pct=number(15, 15, 0xFF, 100),
        reset_cause=octets[16], faults=octets[17], firmware=octets[18], config=octets[19],
        activity=tuple(int(bits[i:i + 4], 2) for i in range(160, 256, 4)),
        previous=bytes(int(bits[i:i + 2], 2) for i in range(256, 288, 2)), alarm=octets[36],
        alarm_age_min=int.from_bytes(octets[37:39]),
        out_of_range=100 < octets[12] < 255 or 100 < octets[15] < 255 or 1439 < int.from_bytes(octets[10:12]) < 0xFFFF,
        listens=bits[319] == "1", answers=int(bits[316:319], 2) or None)


@given(st.dates())
def test_a_date_is_read_as_it_was_written(day: date) -> None:
    assert format_date(parse_date(day.isoformat(), "from")) == day.isoformat()
