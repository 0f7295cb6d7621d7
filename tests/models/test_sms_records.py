"""The fast reader of an SMS accepts what the general reader accepts, and returns the same."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from typing import Any, Final

import orjson
import pytest

from models import times
from models.contract.inputs import Sms, Tick
from models.contract.records import LONGEST_NAME, parse_object, parse_sms, read_sms
from models.errors import ContractError

MUTATIONS: Final = 300_000
SEED: Final = 5
WHOLE: Final = (
    b'{"type":"sms","gateway":"gateway-1","id":"1-20","sender":"+821200000001","recipient":"1666",'
    b'"text":"W.IQAAAAEAABUO03Y6Lnx-l4okUJdhlV.8n25quTKbJbDwPMCK4g4pDX3dq21NudPCUIUPYFBcQCk","binary":null,'
    b'"received_at":"2026-12-03T21:00:00Z"}')
NASTY: Final = (
    b'"', b"\\", b"\\ud800", b"\\ud83d\\ude00", b"\\u0000", b"\xff", b"\x01", b"\n", b"\x7f", b"1e999", b"NaN", b"-0",
    b"[", b"{", b"}", b",", b":", b" ", b"/", b"\xed\xa0\x80", b"\xc0\x80", b"\xea\xb0\x80", b"\xef\xbb\xbf",
    # unknown fields, and known ones with values of other types
    b'"x":"\xff",', b'"x":"\\ud800",', b'"x":NaN,', b'"x":-Infinity,', b'"x":99999999999999999999999,', b'"x":1.,',
    b'"x":01,', b'"x":-,', b'"x":1e400,', b'"x":tru,', b'"x":[1,],', b'"x":{,},', b'"x":"\x01",', b'"x":"\\x",',
    b'"x":' + b"[" * 600 + b"]" * 600 + b",", b'"x":' + b'{"x":' * 600 + b"0" + b"}" * 600 + b",",
    b'"recipient":7,', b'"recipient":null,', b'"sender":[],', b'"gateway":7,', b'"gateway":"",', b'"id":1e3,',
    b'"text":5,', b'"text":null,', b'"text":true,', b'"binary":"AA==",', b'"binary":0,', b'"received_at":1,',
    b'"received_at":"2026-12-03T21:00:00.5+09:00",', b'"received_at":"2026-12-03 21:00:60z",',
    b'"received_at":"2201-01-01T00:00:00Z",',
    # keys that come twice
    b'"text":"x",', b'"\\u0074ext":"x",', b'"type":"tick",', b'"type":null,', b'"type":"sms","type":"tick",',
    b'"type":"tick","source":"clock","at":"2026-12-03T21:00:00Z",', b'"type":7,', b'"type":"SMS",', b'"Text":"x",')

Reader = Callable[[bytes], Sms | Tick]


def long_way(value: bytes) -> Sms | Tick:
    return parse_sms(parse_object(value))


def said(read: Reader, value: bytes) -> str:
    """The value that is read, with its types, or the reason of the refusal."""
    try:
        return repr(read(value))
    except ContractError as error:
        return f"E {error}"


def assert_same(value: bytes) -> None:
    """Both readers must return the same."""
    assert said(read_sms, value) == said(long_way, value), value


def mutated(dice: Random) -> Iterator[bytes]:
    while True:
        value = bytearray(WHOLE)
        for _ in range(dice.randrange(1, 4)):
            what, at = dice.random(), dice.randrange(len(value))
            if what < 0.4:
                value[at] = dice.randrange(256)
            elif what < 0.6:
                del value[at:at + dice.randrange(1, 9)]
            elif what < 0.8:
                value[at:at] = dice.choice(NASTY)
            else:
                value[at] ^= 1 << dice.randrange(8)
        yield bytes(value)


def sms(**fields: Any) -> bytes:
    return json.dumps({"text": "W.x", "received_at": "2026-12-03T21:00:00Z"} | fields).encode()


def test_a_whole_record_is_read_as_it_stands() -> None:
    assert read_sms(WHOLE) == long_way(WHOLE)
    assert said(read_sms, WHOLE).startswith("Sms(received_at=1796331600, text='W.IQAA")


def test_a_mutated_record_is_read_as_by_the_general_reader() -> None:
    read = 0
    for value in islice(mutated(Random(SEED)), MUTATIONS):
        short = said(read_sms, value)
        assert short == said(long_way, value), value
        read += not short.startswith("E ")
    assert 0.1 < read / MUTATIONS < 0.9, "some are read, and some are not"


@pytest.mark.parametrize("nasty", NASTY, ids=lambda nasty: repr(nasty[:24]))
def test_odd_text_anywhere_is_read_as_by_the_general_reader(nasty: bytes) -> None:
    for at in range(len(WHOLE) + 1):
        assert_same(WHOLE[:at] + nasty + WHOLE[at:])


@pytest.mark.parametrize("end", [b"\0", b" ", b"\n", b",", b"{}", b"null", b"\xef\xbb\xbf", WHOLE])
def test_text_around_a_record_is_handled_as_by_the_general_reader(end: bytes) -> None:
    assert_same(WHOLE + end)
    assert_same(end + WHOLE)


@pytest.mark.parametrize("value", [
    b"", b" ", b"\0", b"\xff", b"null", b"7", b'"x"', b"[]", b"{}", b"[" * 600, b"{" * 600, b'{"a":' * 1100,
    b'{"text":"x"}', b'{"received_at":"2026-12-03T21:00:00Z"}'])
def test_a_value_that_is_no_record_is_refused_as_by_the_general_reader(value: bytes) -> None:
    assert said(read_sms, value)[:2] == "E "
    assert_same(value)


@pytest.mark.parametrize("octets", range(LONGEST_NAME - 2, LONGEST_NAME + 3))
@pytest.mark.parametrize("field", ["text", "id", "gateway", "sender", "recipient", "binary", "x"])
def test_a_record_at_the_limit_of_the_fast_reader_is_read_alike(field: str, octets: int) -> None:
    rest = len(sms(**{field: ""}))
    whole = sms(**{field: "y" * (octets - rest)})
    assert len(whole) == octets
    assert_same(whole)
    assert_same(sms(**{field: "y" * octets}))


@pytest.mark.parametrize("field", ["text", "id", "gateway", "sender", "recipient", "binary"])
@pytest.mark.parametrize("given", ["5", "", "null", "true", "1.0", "가", "😀", "\0", "\x7f", "\u2028"])
def test_a_text_stays_the_text_that_it_is(field: str, given: str) -> None:
    assert_same(sms(**{field: given}))
    found = read_sms(sms(**{field: given}))
    assert isinstance(found, Sms)
    kept = getattr(found, field, given)  # a recipient is not kept
    assert (type(kept), kept) == (str, given)
    assert type(found.received_at) is int
    unescaped = orjson.dumps(orjson.loads(sms(**{field: given})))
    assert_same(unescaped)
    assert read_sms(unescaped) == found


@pytest.mark.parametrize("field", ["text", "id", "gateway", "sender", "binary", "received_at", "type"])
@pytest.mark.parametrize("given", [5, 0, 1.5, True, False, [], ["x"], {}, 2**70])
def test_a_field_that_is_not_text_is_refused(field: str, given: Any) -> None:
    assert_same(sms(**{field: given}))
    assert said(read_sms, sms(**{field: given})) == f"E {field}"


@pytest.mark.parametrize("given", [5, None, True, 1.5, [], {}])
def test_any_recipient_is_accepted(given: Any) -> None:
    assert_same(sms(recipient=given))
    assert isinstance(read_sms(sms(recipient=given)), Sms)


# Times

@pytest.mark.parametrize("text", [
    "2026-12-03T21:00:07." + "1" * 3000 + "Z", "2026-12-03T21:00:07." + "1" * 100_000 + "Z",
    "2026-12-03T21:00:07.5Z", "2026-12-03T21:00:07+00:00", "2026-12-03T21:00:07." + "0" * 3000 + "+00:00"])
def test_a_long_time_is_read_and_not_kept(text: str) -> None:
    """Otherwise a gateway that sends times with many digits would fill the memory."""
    kept = times._read_short.cache_info(), times._minute.cache_info()
    found = read_sms(sms(received_at=text))
    assert isinstance(found, Sms)
    assert found.received_at == times._read("2026-12-03T21:00:07Z")
    assert (times._read_short.cache_info(), times._minute.cache_info()) == kept


def test_a_time_of_the_usual_length_is_kept() -> None:
    times._read_short.cache_clear()
    for _ in range(3):
        read_sms(sms(received_at="2026-12-03T21:00:07Z"))
    assert times._read_short.cache_info()[:2] == (2, 1)
