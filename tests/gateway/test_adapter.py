"""The generic adapter: what it takes, what it refuses, and in which words. No broker."""

import orjson
import pytest
from support.gateway import SECRET

from gateway.adapters.generic import parse, signed
from gateway.sms import InboundSms, Refused, Request
from models.signature import sign

NOW = 1_795_467_845.7
GOOD = {"id": "p-1", "sender": "+821012345678", "recipient": "1666", "text": "W.abc"}


def request(body: bytes, *, now: float = NOW, secret: str = SECRET, **headers: str) -> Request:
    made = {name.lower(): value for name, value in signed(secret, now, body).items()}
    return Request({**made, **{name.replace("_", "-"): value for name, value in headers.items()}}, body)


def refusal(one: Request) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        parse(one, SECRET, NOW)
    return caught.value.status, caught.value.message


def test_an_sms_is_accepted_unchanged() -> None:
    text = "[Web발신]\r\nW.!|@\x00"
    body = orjson.dumps({**GOOD, "text": text, "ignored": [1]})
    assert parse(request(body), SECRET, NOW) == InboundSms("p-1", "+821012345678", "1666", text, None)


def test_only_text_or_binary_is_needed() -> None:
    assert parse(request(b'{"text":""}'), SECRET, NOW) == InboundSms(None, None, None, "", None)
    assert parse(request(b'{"binary":"AAA="}'), SECRET, NOW) == InboundSms(None, None, None, None, "AAA=")


@pytest.mark.parametrize(("body", "status", "message"), [
    (b"", 400, "not JSON"),
    (b"{", 400, "not JSON"),
    (b"text=W.", 400, "not JSON"),
    (b'{"text":"\xff\xfe"}', 400, "UTF-8"),
    (b'{"text":"\xed\xa0\x80"}', 400, "UTF-8"),
    (b'{"text":"\\ud800"}', 400, "not JSON"),
    (b"[" * 5000, 400, "not JSON"),
    (b"null", 422, "an object"),
    (b'[{"text":"W."}]', 422, "an object"),
    (b'"W."', 422, "an object"),
    (b"{}", 422, "text or binary"),
    (b'{"text":null,"binary":null}', 422, "text or binary"),
    (b'{"text":7}', 422, "text must be a text"),
    (b'{"text":["W."]}', 422, "text must be a text"),
    (b'{"text":"W.","binary":1}', 422, "binary must be"),
    (b'{"text":"W.","sender":8210}', 422, "sender must be"),
    (b'{"text":"W.","recipient":{}}', 422, "recipient must be"),
    (b'{"text":"W.","id":1.5}', 422, "id must be"),
])
def test_a_malformed_request_is_refused_with_its_status(body: bytes, status: int, message: str) -> None:
    found, words = refusal(request(body))
    assert found == status
    assert message in words


@pytest.mark.parametrize("off", [-300, -299, 0, 299, 300])
def test_the_clock_of_the_sender_may_be_five_minutes_off(off: int) -> None:
    body = orjson.dumps(GOOD)
    assert parse(request(body, now=int(NOW) + off), SECRET, int(NOW)).id == "p-1"


@pytest.mark.parametrize("off", [-100_000, -302, 302, 100_000])
def test_a_clock_further_off_is_refused(off: int) -> None:
    status, words = refusal(request(orjson.dumps(GOOD), now=NOW + off))
    assert (status, "300 s off" in words) == (401, True)


@pytest.mark.parametrize("timestamp", [
    "", "now", "-1795467845", "1795467845.7", "1.8e9", " 1795467845", "9" * 5000, "²"])
def test_a_timestamp_is_whole_seconds_also_where_it_is_signed(timestamp: str) -> None:
    body = orjson.dumps(GOOD)
    one = request(body, x_anbu_timestamp=timestamp, x_anbu_signature=sign(SECRET, timestamp, body))
    assert refusal(one)[0] == 401


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "é", "0" * 64])
def test_a_wrong_signature_is_refused_before_anything_is_read(signature: str) -> None:
    status, words = refusal(request(b"no JSON", x_anbu_signature=signature))
    assert (status, "check the secret" in words) == (401, True)


def test_a_signature_holds_for_one_secret_one_time_and_one_body() -> None:
    body = orjson.dumps(GOOD)
    headers = request(body).headers
    assert parse(Request(headers, body), SECRET, NOW).id == "p-1"
    assert refusal(Request(headers, body + b" "))[0] == 401
    assert refusal(request(body, secret="another"))[0] == 401
    assert refusal(Request({**headers, "x-anbu-timestamp": str(int(NOW) + 1)}, body))[0] == 401
    assert refusal(Request({}, body))[0] == 401


def test_the_signature_is_the_one_that_is_documented() -> None:
    """By hand: printf '1795467845.{}' | openssl dgst -sha256 -hmac secret."""
    assert sign("secret", "1795467845", b"{}") == (
        "sha256=5c2202deea7dd51b83f4825267469426fb9b9e0e3cfbc88f673f41eb71b1efc9")
