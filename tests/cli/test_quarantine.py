"""Quarantined records are listed without personal data, and are redriven unchanged, into their lane, once."""

import asyncio
import json
import time
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.commands import Anbu

from cli.broker import Writable, records, write
from cli.quarantine import original_octets
from models.contract.inputs import Record
from models.contract.outputs import CLOUDEVENT, quarantined
from models.contract.records import LONGEST
from models.errors import Rejected, RejectReason
from models.times import format_time
from runtime.settings import Settings
from streams.topics import ALERTS, COMMANDS, QUARANTINE, REGISTRY, SMS

NOW = 1_790_000_000


def quarantine(settings: Settings, *refused: tuple[Record, RejectReason]) -> None:
    """As `watch` does."""
    asyncio.run(write([Writable(QUARANTINE, record.partition, record.key,
                                quarantined(record, Rejected(reason, "for a reason"), NOW).value)
                       for record, reason in refused], settings))


def held(settings: Settings, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
    async def read() -> list[tuple[int, bytes | None, bytes | None]]:
        return [(record.partition, record.key, record.value) async for polled in records(topic, settings)
                for record in polled.records]

    return asyncio.run(read())


def sms(number: int, days_ago: float = 1) -> bytes:
    return orjson.dumps({"sender": "+821012345678", "text": f"W.{number}",
                         "received_at": format_time(int(time.time() - days_ago * 86_400))})


FIRST, SECOND = sms(1), sms(2)
REFUSED = [
    (Record(SMS, 1, 17, b"42", FIRST), RejectReason.UNKNOWN_DEVICE),
    (Record(SMS, 1, 18, b"42", SECOND), RejectReason.BAD_EPOCH),
    (Record(SMS, 0, 3, b"+8210", b"\xff not JSON"), RejectReason.MALFORMED),
    (Record(SMS, 0, 4, None, b'{"type":"tick","source":"gateway","at":"now"}'), RejectReason.MALFORMED),
    (Record(COMMANDS, 2, 5, b"43", b'{"id":"1"}'), RejectReason.UNKNOWN_SUBJECT),
    (Record(REGISTRY, 2, 6, b"43", b'{"subject":43}'), RejectReason.MALFORMED),
    (Record(ALERTS, 3, 7, b"44", b'{"id":"44:sos:0.1.1/1"}'), RejectReason.MALFORMED),
]


def test_the_list_of_quarantine_shows_no_content_of_records(anbu: Anbu, settings: Settings) -> None:
    quarantine(settings, *REFUSED)
    done = anbu("quarantine", "list")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == len(REFUSED)
    assert "+82" not in done.stdout
    assert "2026-09-21T14:13:20Z  unknown_device       sms/1/17" in done.stdout
    assert "7 records, 4 malformed" in done.stderr
    assert "bad_epoch" in anbu("quarantine", "list", "--reason", "bad_epoch").stdout
    (only,) = map(json.loads, anbu("quarantine", "list", "--reason", "bad_epoch", "--json").stdout.splitlines())
    assert only["original"] == orjson.loads(SECOND)
    assert anbu("quarantine", "list", "--reason", "whim").exit_code == 2


def test_each_record_is_redriven_once_into_its_lane(anbu: Anbu, settings: Settings) -> None:
    quarantine(settings, *REFUSED)
    assert "5 records would be redriven" in anbu("quarantine", "redrive", "--dry-run").stdout
    assert held(settings, SMS) == []
    done = anbu("quarantine", "redrive", "--reason", "unknown_device", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"unknown_device": 1})
    assert held(settings, SMS) == [(1, b"42", FIRST)]
    assert json.loads(anbu("quarantine", "redrive", "--json").stdout) == {
        "bad_epoch": 1, "malformed": 2, "unknown_device": 0, "unknown_subject": 1}
    assert sorted(held(settings, SMS)) == [(0, b"+8210", b"\xff not JSON"), (1, b"42", FIRST), (1, b"42", SECOND)]
    assert held(settings, COMMANDS) == [(2, b"43", b'{"id":"1"}')]
    assert held(settings, REGISTRY) == [], "an old profile may not take the place of a newer one"
    assert "0 records were" in anbu("quarantine", "redrive").stdout
    quarantine(settings, REFUSED[1])
    assert json.loads(anbu("quarantine", "redrive", "--reason", "bad_epoch", "--json").stdout) == {"bad_epoch": 1}
    assert json.loads(anbu("quarantine", "redrive", "--again", "--json").stdout)["bad_epoch"] == 2


def test_an_sms_of_long_ago_stays_in_quarantine(anbu: Anbu, settings: Settings) -> None:
    quarantine(settings, (Record(SMS, 1, 17, b"42", sms(1, 7.9)), RejectReason.BAD_EPOCH),
               (Record(SMS, 1, 18, b"42", sms(2, 8.1)), RejectReason.BAD_EPOCH))
    assert json.loads(anbu("quarantine", "redrive", "--json").stdout) == {"bad_epoch": 1}


def test_a_record_that_was_too_long_to_keep_is_not_redriven(anbu: Anbu, settings: Settings) -> None:
    quarantine(settings, (Record(SMS, 1, 17, b"42", b" " * (LONGEST + 1)), RejectReason.MALFORMED))
    assert json.loads(anbu("quarantine", "redrive", "--json").stdout) == {}


def test_a_redriven_alert_is_a_cloudevent(anbu: Anbu, settings: Settings) -> None:
    quarantine(settings, REFUSED[-1])
    anbu("quarantine", "redrive")

    async def headers() -> list[Any]:
        return [record.headers async for polled in records(ALERTS, settings) for record in polled.records]

    assert asyncio.run(headers()) == [CLOUDEVENT]


@given(st.binary() | st.from_type(dict[str, int | str | list[bool] | None]).map(json.dumps).map(str.encode))
def test_raw_octets_are_restored_unchanged(octets: bytes) -> None:
    assume(not octets.startswith(b'{"raw"'))
    output = quarantined(Record(SMS, 0, 0, None, octets), Rejected(RejectReason.MALFORMED), None)
    document = orjson.loads(output.value or b"")
    back = original_octets(document["original"])
    assert back is not None
    try:
        expected = orjson.loads(octets)
    except orjson.JSONDecodeError:
        assert back == octets
    else:
        assert orjson.loads(back) == expected


@pytest.mark.parametrize("original", [{"raw": "####"}, {"raw": 3}, {"raw": None}, {"raw": "e30=", "id": "1"}, [], ""])
def test_json_that_looks_like_raw_octets_is_kept_as_json(original: object) -> None:
    assert orjson.loads(original_octets(original) or b"") == original
