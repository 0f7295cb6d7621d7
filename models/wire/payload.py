"""Decodes and encodes the 40 octets of plaintext: a status report (type 1) or attributes (type 2).

A value out of range in a status report counts as unknown and marks the report: a broken hygrometer must not silence an
SOS.
"""

from collections.abc import Mapping, Sequence
from math import inf, isinf
from struct import Struct
from typing import Final

from models.errors import Rejected, RejectReason
from models.profile import AttributeSpec
from models.report import Attribute, AttributeReport, StatusReport
from models.times import EPOCH_2020
from models.wire.frame import PLAINTEXT_OCTETS

STATUS, ATTRIBUTES = 1, 2

_UNKNOWN_16, _UNKNOWN_8, _UNKNOWN_TEMPERATURE = 0xFFFF, 0xFF, -128
_STATUS: Final = Struct(">BIHBHHBBbBBBBB12s4sBHB")
_NIBBLES: Final = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))  # a nibble is a hexadecimal digit
_CODES: Final = tuple(bytes((octet >> 6, octet >> 4 & 3, octet >> 2 & 3, octet & 3)) for octet in range(256))


def decode(plaintext: bytes, attributes: Mapping[int, AttributeSpec]) -> StatusReport | AttributeReport | Rejected:
    """Decode 40 authentic octets. Raises no error, whatever the octets are."""
    if plaintext[0] == STATUS:
        return _decode_status(plaintext)
    if plaintext[0] == ATTRIBUTES:
        return _decode_attributes(plaintext, attributes)
    return Rejected(RejectReason.BAD_TYPE, str(plaintext[0]))


def _decode_status(plaintext: bytes) -> StatusReport:
    (_, time, window, flags, idle, first, battery, signal, temperature, humidity, reset_cause, faults, firmware, config,
     activity, previous, alarm, age, dialogue) = _STATUS.unpack(plaintext)
    bad_first = 1439 < first != _UNKNOWN_16
    bad_battery = 100 < battery != _UNKNOWN_8
    bad_humidity = 100 < humidity != _UNKNOWN_8
    return StatusReport(
        EPOCH_2020 + time if time else None,
        window if window != _UNKNOWN_16 else None,
        flags,
        idle if idle != _UNKNOWN_16 else None,
        first if first <= 1439 else None,
        battery if battery <= 100 else None,
        -signal if signal != _UNKNOWN_8 else None,
        temperature if temperature != _UNKNOWN_TEMPERATURE else None,
        humidity if humidity <= 100 else None,
        reset_cause, faults, firmware, config,
        tuple(activity.hex().encode().translate(_NIBBLES)),
        _CODES[previous[0]] + _CODES[previous[1]] + _CODES[previous[2]] + _CODES[previous[3]],
        alarm, age,
        bad_first or bad_battery or bad_humidity,
        dialogue & 1 == 1,
        dialogue >> 1 & 7 or None,
    )


def _decode_attributes(plaintext: bytes, specs: Mapping[int, AttributeSpec]) -> AttributeReport | Rejected:
    found, at = [], 1
    while at < PLAINTEXT_OCTETS and plaintext[at] != 0:
        number = plaintext[at]
        length = plaintext[at + 1] if at + 1 < PLAINTEXT_OCTETS else 0
        value = plaintext[at + 2:at + 2 + length]
        if not 1 <= length <= 8 or len(value) != length:
            return Rejected(RejectReason.OUT_OF_RANGE, f"attribute {number}: length")
        raw, spec = int.from_bytes(value, signed=True), specs.get(number)
        if spec is None:
            found.append(Attribute(str(number), raw, None))
        else:
            scaled = raw / spec.scale
            low = -inf if spec.low is None else spec.low
            high = inf if spec.high is None else spec.high
            if not low <= scaled <= high or isinf(scaled):
                return Rejected(RejectReason.OUT_OF_RANGE, f"attribute {number}: {scaled:g}")
            found.append(Attribute(spec.name, scaled, spec.unit))
        at += 2 + length
    return AttributeReport(tuple(found))


def encode(report: StatusReport) -> bytes:
    """The 40 octets of a status report, as a device sends them."""
    octets = [high << 4 | low for high, low in zip(report.activity[::2], report.activity[1::2], strict=True)]
    previous = 0
    for code in report.previous:
        previous = previous << 2 | code
    return _STATUS.pack(
        STATUS,
        0 if report.device_time is None else report.device_time - EPOCH_2020,
        _UNKNOWN_16 if report.window is None else report.window,
        report.flags,
        _UNKNOWN_16 if report.idle_min is None else report.idle_min,
        _UNKNOWN_16 if report.first_activity_min is None else report.first_activity_min,
        _UNKNOWN_8 if report.battery_pct is None else report.battery_pct,
        _UNKNOWN_8 if report.signal_dbm is None else -report.signal_dbm,
        _UNKNOWN_TEMPERATURE if report.temp_c is None else report.temp_c,
        _UNKNOWN_8 if report.humidity_pct is None else report.humidity_pct,
        report.reset_cause, report.faults, report.firmware, report.config,
        bytes(octets), previous.to_bytes(4), report.alarm, report.alarm_age_min,
        (report.answers or 0) << 1 | report.listens)


def encode_attributes(values: Sequence[tuple[int, int]]) -> bytes:
    """The 40 octets of (id, raw value) pairs, each value in as few octets as it needs.

    Raises ValueError if a pair is impossible or the pairs do not fit.
    """
    octets = bytes([ATTRIBUTES])
    for number, value in values:
        length = (value + (value < 0)).bit_length() // 8 + 1
        if number == 0 or length > 8:
            raise ValueError(f"attribute {number} = {value}: ids are 1 to 255, values of at most 8 octets")
        octets += bytes([number, length]) + value.to_bytes(length, signed=True)
    if len(octets) > PLAINTEXT_OCTETS:
        raise ValueError(f"{len(octets)} octets of attributes; {PLAINTEXT_OCTETS} fit")
    return octets.ljust(PLAINTEXT_OCTETS, b"\0")
