"""Frames, keys, payloads and times at their limits, compared with naive implementations."""

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ContractError, Rejected, RejectReason
from models.profile import AttributeSpec, RegisteredDevice
from models.report import Attribute, AttributeReport, Header, StatusReport
from models.times import format_date, format_time, parse_date, parse_time
from models.window import Window
from models.wire.frame import find_frame, open_frame, read_header, seal, to_text
from models.wire.keys import KeyRing, message_key, parse_keks, unwrap, wrap
from models.wire.payload import decode, encode, encode_attributes

OCTETS_40 = st.binary(min_size=40, max_size=40)
SUBJECTS, SLOTS = st.integers(0, 2**32 - 1), st.integers(0, 7)
EPOCHS, COUNTERS = st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1)


@given(st.binary(min_size=16, max_size=16), SUBJECTS, SLOTS, EPOCHS, COUNTERS, OCTETS_40)
def test_a_sealed_frame_is_opened(key: bytes, subject: int, slot: int, epoch: int, counter: int,
                                  plaintext: bytes) -> None:
    cipher = AESCCM(message_key(key, subject, slot, epoch), tag_length=8)
    frame = seal(cipher, subject, slot, epoch, counter, plaintext)
    assert read_header(frame) == Header(1, slot, epoch & 3, subject, counter)
    assert open_frame(cipher, read_header(frame), frame, epoch) == plaintext
    assert find_frame(f"[Web발신] {to_text(frame)} W.", None) == frame
    assert find_frame(None, b64encode(frame).decode()) == frame
    changed = bytearray(frame)
    changed[counter % 56] ^= 1
    assert open_frame(cipher, read_header(bytes(changed)), bytes(changed), epoch) is None


@pytest.mark.parametrize(("text", "binary", "reason"), [
    ("hello", None, RejectReason.NO_FRAME),
    ("W.", None, RejectReason.CORRUPT),
    ("x" * 65_536, None, RejectReason.NO_FRAME),
    ("W.@" * 21_845, None, RejectReason.CORRUPT),
    ("W." + "@" * 75, None, RejectReason.CORRUPT),
    ("", "AA==", RejectReason.NO_FRAME),
    (None, "AA==", RejectReason.CORRUPT),
    (None, "no base64!", RejectReason.CORRUPT),
    (None, "한", RejectReason.CORRUPT),
    (None, b64encode(bytes(57)).decode(), RejectReason.CORRUPT),
    (None, None, RejectReason.CORRUPT),
])
def test_a_text_without_a_frame_gives_no_frame(text: str | None, binary: str | None, reason: RejectReason) -> None:
    found = find_frame(text, binary)
    assert isinstance(found, Rejected)
    assert found.reason is reason


def test_the_spare_bits_of_the_last_character_are_ignored() -> None:
    frame = bytes(range(56))
    text = to_text(frame)
    assert text[-1] == "c"  # 011100: four bits of the frame, two spare
    assert [find_frame(text[:-1] + last, None) == frame for last in "bcdefg"] == [False, True, True, True, True, False]


def test_the_first_of_two_frames_gives_the_key() -> None:
    first, second = bytes(range(56)), bytes(56)
    assert find_frame(f"W.short {to_text(first)} {to_text(second)}", None) == first
    assert find_frame(to_text(second)[:-1] + "@" + to_text(first), None) == first


@given(st.text(st.sampled_from("W.-A9@+ 한"), max_size=400))
def test_the_fast_search_for_a_frame_finds_what_the_slow_search_finds(text: str) -> None:
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")
    starts = [i for i in range(len(text)) if text[i:i + 2] == "W." and len(text) >= i + 77 and
              set(text[i + 2:i + 77]) <= alphabet]
    found = find_frame(text, None)
    if starts:
        assert found == b64decode(text[starts[0] + 2:starts[0] + 77] + "A", altchars=b"-.")[:56]
    else:
        assert found == Rejected(RejectReason.CORRUPT if "W." in text else RejectReason.NO_FRAME)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=12, max_size=12), st.binary(min_size=16, max_size=16),
       SUBJECTS, SLOTS, EPOCHS)
def test_a_key_is_unwrapped_only_for_the_subject_slot_and_epoch_it_was_wrapped_for(kek: bytes, nonce: bytes, key: bytes,
                                                                                   subject: int, slot: int,
                                                                                   epoch: int) -> None:
    """Receiving rule 6."""
    wrapped = wrap(kek, nonce, key, subject, slot, epoch)
    assert unwrap(kek, wrapped, subject, slot, epoch) == key
    assert unwrap(kek, wrapped, subject ^ 1, slot, epoch) is None
    assert unwrap(kek, wrapped, subject, slot, epoch ^ 1) is None
    assert unwrap(kek, wrapped[:-1], subject, slot, epoch) is None


@pytest.mark.parametrize("document", [b"{", b"[]", b"{}", b'{"k1": "x"}', b'{"k1": 5}', b'{"k1": "AAAA"}'])
def test_a_wrong_document_of_key_encryption_keys_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|object|base64|octets"):
        parse_keks(document)


def test_a_key_ring_keeps_a_limited_number_of_ciphers() -> None:
    kek = bytes(32)
    ring = KeyRing(parse_keks(json.dumps({"k1": b64encode(kek).decode()}).encode()), size=2)
    wrapped = [wrap(kek, bytes(12), bytes(16), subject, 0, 1) for subject in range(3)]
    first = ring.cipher(0, RegisteredDevice(0, 1, "k1", wrapped[0]))
    assert first is not None
    assert ring.cipher(0, RegisteredDevice(0, 1, "k1", wrapped[0])) is first
    assert ring.cipher(1, RegisteredDevice(0, 1, "k1", wrapped[1])) is not None
    assert ring.cipher(2, RegisteredDevice(0, 1, "k1", wrapped[2])) is not None
    assert ring.cipher(0, RegisteredDevice(0, 1, "k1", wrapped[0])) is not first
    assert ring.cipher(0, RegisteredDevice(0, 1, "k2", wrapped[0])) is None
    assert ring.cipher(1, RegisteredDevice(0, 1, "k1", wrapped[0])) is None


@given(OCTETS_40)
def test_any_plaintext_is_decoded_or_refused(plaintext: bytes) -> None:
    decoded = decode(plaintext, {7: AttributeSpec("co2", "ppm", 10, 0, 100)})
    assert isinstance(decoded, StatusReport | AttributeReport | Rejected)


@given(OCTETS_40)
def test_a_report_within_its_ranges_is_encoded_as_it_came(rest: bytes) -> None:
    report = decode(b"\x01" + rest[1:], {})
    assert isinstance(report, StatusReport)
    if not report.out_of_range:
        assert encode(report) == b"\x01" + rest[1:39] + bytes([rest[39] & 0x0F])


@given(st.lists(st.tuples(st.integers(1, 255), st.integers(-2**63, 2**63 - 1)), max_size=3))
def test_attributes_are_read_as_they_were_sent(values: list[tuple[int, int]]) -> None:
    report = decode(encode_attributes(values), {})
    assert isinstance(report, AttributeReport)
    assert [(int(one.name), one.value) for one in report.attributes] == values


def test_attributes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="octets of attributes"):
        encode_attributes([(1, 2**62)] * 5)
    for impossible in ((0, 1), (1, 2**63), (1, -2**63 - 1)):
        with pytest.raises(ValueError, match="ids are 1 to 255, values of at most 8 octets"):
            encode_attributes([impossible])


@pytest.mark.parametrize("octets", [
    pytest.param("0207", id="length 0"),
    pytest.param("020709" + "01" * 9, id="length 9"),
    pytest.param("02" + "010105" * 12 + "010201", id="one octet beyond the end"),
    pytest.param("02" + "010105" * 11 + "0103010203" + "09", id="an id in the last octet"),
])
def test_a_bad_length_refuses_the_whole_frame(octets: str) -> None:
    refused = decode(bytes.fromhex(octets).ljust(40, b"\0"), {})
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.OUT_OF_RANGE


@pytest.mark.parametrize(("low", "high", "taken"), [
    (None, None, True), (-1.2, None, True), (-1.1, None, False), (None, -1.2, True), (None, -1.3, False),
    (-2, 2, True),
])
def test_the_range_applies_to_the_scaled_value(low: float | None, high: float | None, *, taken: bool) -> None:
    decoded = decode(encode_attributes([(7, -12)]), {7: AttributeSpec("tilt", None, 10, low, high)})
    assert decoded == (AttributeReport((Attribute("tilt", -1.2, None),)) if taken else
                       Rejected(RejectReason.OUT_OF_RANGE, "attribute 7: -1.2"))


def test_an_infinite_value_is_out_of_range() -> None:
    decoded = decode(encode_attributes([(7, 1)]), {7: AttributeSpec("x", None, 5e-324, None, None)})
    assert decoded == Rejected(RejectReason.OUT_OF_RANGE, "attribute 7: inf")


def test_an_attribute_sent_twice_is_kept_twice() -> None:
    decoded = decode(encode_attributes([(7, 1), (8, 2), (7, 3)]), {7: AttributeSpec("co2", "ppm", 1, None, None)})
    assert decoded == AttributeReport((Attribute("co2", 1, "ppm"), Attribute("8", 2, None), Attribute("co2", 3, "ppm")))


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2199, 12, 30),  # noqa: DTZ001 - zone below
                    timezones=st.timezones()))
def test_times_are_read_as_the_standard_library_reads_them(at: datetime) -> None:
    offset = at.utcoffset()
    assert offset is not None
    if offset.total_seconds() % 60:
        return  # local mean time of long ago: RFC 3339 has no seconds in an offset
    seconds = int(at.timestamp() // 1)
    assert parse_time(at.isoformat(), "at") == seconds
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert format_time(seconds) == text
    assert parse_time(text, "at") == seconds


@pytest.mark.parametrize("text", [
    "2026-11-24", "2026-11-24T00:00:00", "2026-11-24T24:00:00Z", "2026-11-24T00:60:00Z", "2026-11-24T00:00:61Z",
    "2026-02-30T00:00:00Z", "2026-11-24T00:00:00+24:00", "2026-11-24T00:00:00+00:60", "0000-01-01T00:00:00Z",
    "2026-11-24T00:00:0５Z", "2026-11-24T00:60:05Z", "2026-11-24T00:00:+5Z", "1969-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z", "2026-11-24T00:00:00Z ", "２026-11-24T00:00:00Z", None, 5,
])
def test_a_malformed_time_is_refused(text: object) -> None:
    with pytest.raises(ContractError, match=r"^at$"):
        parse_time(text, "at")


def test_a_leap_second_is_the_first_of_the_next_minute() -> None:
    assert parse_time("2016-12-31t23:59:60z", "at") == parse_time("2017-01-01 00:00:00-00:00", "at")


@pytest.mark.parametrize("text", ["2026-02-30", "20261124", "2026-11-24T00:00:00Z", None])
def test_a_malformed_date_is_refused(text: object) -> None:
    with pytest.raises(ContractError, match=r"^to$"):
        parse_date(text, "to")


def test_dates_and_windows_are_written_as_in_the_contract() -> None:
    assert format_date(parse_date("2026-11-24", "to")) == "2026-11-24"
    assert str(Window(5038)) == "2026-11-24:morning"
    assert str(Window(5039)) == "2026-11-24:afternoon"
