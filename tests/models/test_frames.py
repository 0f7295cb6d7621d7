"""The golden frames, one test a line: find, open, decode, refuse, wrap."""

import json
from base64 import b64decode
from typing import Any

import pytest
from support.vectors import KEK_FILE, VECTORS, read_lines

from models.contract.registry import parse_profile
from models.errors import Rejected
from models.judgement.person import Person
from models.judgement.receive import receive
from models.report import FLAG_NAMES, AttributeReport, Received, StatusReport
from models.times import parse_time
from models.wire.frame import find_frame, read_header, seal, to_text
from models.wire.keys import KeyRing, message_key, parse_keks, unwrap, wrap
from models.wire.payload import encode

FRAMES = read_lines(VECTORS / "frames.jsonl")
KEYS = KeyRing(parse_keks(KEK_FILE.read_bytes()))


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(line, id=f"{number}: {line['name']}") for number, line in enumerate(FRAMES, start=1)
            if line["kind"] in kinds]


def test_the_number_of_frame_vectors_is_known() -> None:
    assert len(FRAMES) == 59
    assert len(of_kind("report", "attributes", "reject", "wrap")) == 59


def open_line(line: dict[str, Any], text: str | None, binary: str | None) -> Received | Rejected:
    person = Person(parse_profile(line["registry"]), None)
    frame = find_frame(text, binary)
    if isinstance(frame, Rejected):
        return frame
    header = read_header(frame)
    return receive(header, frame, person if header.subject == person.subject else None, KEYS)


@pytest.mark.parametrize("line", of_kind("report", "attributes"))
@pytest.mark.parametrize("way", ["text", "binary"])
def test_each_frame_vector_is_decoded(line: dict[str, Any], way: str) -> None:
    """Receiving rule 1."""
    received = open_line(line, line["text"] if way == "text" else None, line["binary"] if way == "binary" else None)
    assert isinstance(received, Received)
    assert (received.slot, received.epoch, received.counter) == (line["slot"], line["epoch"], line["counter"])
    assert fields_of(received.payload) == line["fields"]


def fields_of(payload: StatusReport | AttributeReport) -> dict[str, Any]:
    if isinstance(payload, AttributeReport):
        return {"attrs": [{"k": one.name, "v": one.value, "u": one.unit} for one in payload.attributes]}
    names = [name for bit, name in enumerate(FLAG_NAMES) if payload.flags >> bit & 1]
    return {
        "device_time": None if payload.device_time is None else time_text(payload.device_time),
        "window": payload.window, "flags": names + ["range"] * payload.out_of_range,
        "idle_min": payload.idle_min, "first_activity_min": payload.first_activity_min,
        "battery_pct": payload.battery_pct, "signal_dbm": payload.signal_dbm, "temp_c": payload.temp_c,
        "humidity_pct": payload.humidity_pct, "reset_cause": payload.reset_cause, "faults": payload.faults,
        "firmware": payload.firmware, "config": payload.config, "activity": list(payload.activity),
        "previous": list(payload.previous), "alarm": payload.alarm, "alarm_age_min": payload.alarm_age_min,
    }


def time_text(at: int) -> str:
    from datetime import UTC, datetime
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("line", of_kind("report", "attributes"))
def test_each_frame_vector_is_sealed_to_the_same_octets(line: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM
    device_key = bytes.fromhex(line["device_key"])
    key = message_key(device_key, line["subject"], line["slot"], line["epoch"])
    assert key.hex() == line["message_key"]
    frame = seal(AESCCM(key, tag_length=8), line["subject"], line["slot"], line["epoch"], line["counter"],
                 bytes.fromhex(line["plaintext"]))
    assert frame.hex() == line["frame"]
    assert to_text(frame) in line["text"]


@pytest.mark.parametrize("line", of_kind("report"))
def test_a_decoded_payload_is_encoded_to_the_same_octets(line: dict[str, Any]) -> None:
    received = open_line(line, line["text"], None)
    assert isinstance(received, Received)
    assert isinstance(received.payload, StatusReport)
    if not received.payload.out_of_range:
        sent = bytes.fromhex(line["plaintext"])
        assert encode(received.payload) == sent[:39] + bytes([sent[39] & 0x0F])


@pytest.mark.parametrize("line", of_kind("reject"))
def test_each_bad_frame_vector_is_refused_with_its_reason(line: dict[str, Any]) -> None:
    """Receiving rule 4: also the order of the reasons, where two hold."""
    refused = open_line(line, line["text"], line["binary"])
    assert isinstance(refused, Rejected)
    assert refused.reason == line["reason"]


@pytest.mark.parametrize("line", of_kind("wrap"))
def test_each_key_vector_is_wrapped_and_unwrapped(line: dict[str, Any]) -> None:
    kek, wrapped = bytes.fromhex(line["kek_octets"]), b64decode(line["wrapped"])
    opened = unwrap(kek, wrapped, line["subject"], line["slot"], line["epoch"])
    if line["reason"] is not None:
        assert opened is None
        return
    assert opened is not None
    assert opened.hex() == line["device_key"]
    assert wrap(kek, bytes.fromhex(line["wrap_nonce"]), opened, line["subject"], line["slot"], line["epoch"]) == wrapped


def test_the_time_of_the_vectors_is_ours() -> None:
    assert parse_time("2026-11-23T21:04:05Z", "at") == 1_795_467_845
    assert json.loads(KEK_FILE.read_text())
