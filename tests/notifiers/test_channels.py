"""Each channel against a server that speaks its provider's words: what is sent, and what each failure means."""

import hashlib
import hmac
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from support.channels import ID, channel, message
from support.endpoint import Answer, Endpoint

from local.embedded import free_port
from notifiers.causes import cause
from notifiers.plain_http import filled
from notifiers.ports import Channel, GiveUpError, RetryError
from notifiers.retry_after import retry_after


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


def of(kind: str, url: str) -> Channel:
    """A channel of each kind that speaks HTTP, to an address."""
    fields: dict[str, dict[str, Any]] = {
        "slack": {"url": f"{url}/services/T/B/X"},
        "kannel": {"url": f"{url}/sendsms", "user": "anbu", "password": "hush", "from": "1666", "to": "+821012345678"},
        "twilio": {"url": url, "account": "AC1", "token": "hush", "from": "+12025550123", "to": "+821012345678"},
        "http": {"url": f"{url}/send", "to": "+821012345678", "json": {"to": "{to}", "m": "{title}"}},
        "webhook": {"url": f"{url}/hook", "secret": "hush"}}
    return channel(kind, **fields[kind])


HTTP = ("slack", "kannel", "twilio", "http", "webhook")


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize(("answer", "error", "after_s", "unsure"), [
    (Answer(429, headers={"retry-after": "7"}), RetryError, 7.0, False),
    (Answer(503), RetryError, None, False),
    (Answer(500), RetryError, None, True),
    (Answer(502), RetryError, None, True),
    (Answer(408), RetryError, None, False),
    (Answer(400), GiveUpError, None, False),
    (Answer(403), GiveUpError, None, False),
    (Answer(404), GiveUpError, None, False),
    (Answer(302, headers={"location": "http://elsewhere.example.org/"}), GiveUpError, None, False),
    (Answer(cut=True), RetryError, None, True),
], ids=lambda value: f"{value.status}{' cut' if value.cut else ''}" if isinstance(value, Answer) else "")
async def test_each_answer_means_retry_or_give_up(endpoint: Endpoint, kind: str, answer: Answer, error: type[Exception],
                                                  after_s: float | None, *, unsure: bool) -> None:
    endpoint.answers.append(answer)
    one = of(kind, endpoint.url)
    with pytest.raises(error) as raised:
        await one.send(message())
    await one.close()
    assert len(endpoint.requests) == 1
    if isinstance(raised.value, RetryError):
        assert (raised.value.after_s, raised.value.unsure) == (after_s, unsure)
    assert all(secret not in str(raised.value) for secret in ("hush", "services", "8210", endpoint.url))


@pytest.mark.parametrize("kind", HTTP)
async def test_a_provider_that_does_not_answer_is_retried(kind: str) -> None:
    one = of(kind, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RetryError) as raised:
        await one.send(message())
    await one.close()
    assert not raised.value.unsure


@pytest.mark.parametrize(("url", "why"), [
    ("http://127.0.0.1:{dead}", "no server answers: nothing listens at this port"),
    ("https://nowhere.invalid", "no server answers: no such host, or no name service"),
    ("https://127.0.0.1:{port}", "no server answers: no TLS at this port: ")])
async def test_the_reason_for_a_missing_answer_is_named(endpoint: Endpoint, url: str, why: str) -> None:
    """The message distinguishes a mistake in the routes file from a provider that is down."""
    one = of("slack", url.format(dead=free_port(), port=endpoint.url.rpartition(":")[2]))
    with pytest.raises(RetryError) as raised:
        await one.send(message())
    await one.close()
    assert str(raised.value).startswith(why)
    assert "invalid" not in str(raised.value)


def test_an_untrusted_certificate_is_named() -> None:
    """The message has the words of OpenSSL, without the name of the host."""
    below = ssl.SSLCertVerificationError(1, "certificate verify failed")
    below.verify_message = "Hostname mismatch, certificate is not valid for 'hooks.example.org'."
    above = OSError("All connection attempts failed")
    above.__cause__ = ExceptionGroup("", [below])
    assert cause(above) == "its certificate is not trusted: Hostname mismatch"


async def test_an_answer_that_cannot_be_unpacked_is_retried(endpoint: Endpoint) -> None:
    endpoint.answers.append(Answer(headers={"content-encoding": "gzip"}))
    one = of("webhook", endpoint.url)
    with pytest.raises(RetryError, match="no complete answer") as raised:
        await one.send(message())
    await one.close()
    assert raised.value.unsure


@pytest.mark.parametrize("kind", ["slack", "twilio"])
async def test_a_web_page_does_not_count_as_success(endpoint: Endpoint, kind: str) -> None:
    """The URL is wrong, or a network login page answers: no person was notified, and a retry may succeed."""
    endpoint.answers.append(Answer(body="\n<!DOCTYPE html><html>Welcome</html>"))
    one = of(kind, endpoint.url)
    with pytest.raises(RetryError, match="another server answers there"):
        await one.send(message())
    await one.close()


async def test_an_answer_without_the_expected_text_is_retried(endpoint: Endpoint) -> None:
    """Some SMS providers refuse with status 200. Without `expect` the delivery would count as sent."""
    endpoint.answers += [Answer(body='{"result":"1"}'), Answer(body='{"result":"-101","to":"+821012345678"}')]
    one = channel("http", url=endpoint.url, json={"m": "{title}"}, expect='"result":"1"')
    await one.send(message())
    with pytest.raises(RetryError) as raised:
        await one.send(message())
    await one.close()
    assert (str(raised.value), raised.value.unsure) == ("HTTP 200, but the answer lacks the text of `expect`", True)


async def test_a_message_to_slack(endpoint: Endpoint) -> None:
    one = of("slack", endpoint.url)
    await one.send(message(why={"ko": "<script> & co."}))
    await one.close()
    (request,) = endpoint.requests
    assert request.path == "/services/T/B/X"
    assert request.json["text"] == "[안부 주의] jongno 42번: 보고 없음"
    text = request.json["blocks"][0]["text"]["text"]
    assert text.splitlines() == [
        "*[안부 주의] jongno 42번: 보고 없음*", "&lt;script&gt; &amp; co.",
        "전화로 안부를 확인하고, 받지 않으면 방문하세요.",
        "<https://anbu.example.org/alerts/42:no_report:2026-11-24:morning>"]


async def test_a_refusal_of_kannel_with_status_202_is_recognised(endpoint: Endpoint) -> None:
    one = of("kannel", endpoint.url)
    endpoint.answers += [Answer(202, "0: Accepted for delivery"), Answer(202, "Sender missing and no global set")]
    assert await one.send(message()) == "0: Accepted for delivery"
    with pytest.raises(GiveUpError):
        await one.send(message())
    await one.close()
    assert endpoint.requests[0].body.decode("utf-16-be") == message().text
    assert "hush" not in endpoint.requests[0].path


async def test_a_message_by_twilio(endpoint: Endpoint) -> None:
    endpoint.answers += [Answer(201, '{"sid": "SM1"}'),
                         Answer(400, '{"code": 21211, "message": "+821012345678 is not valid", "status": 400}')]
    one = of("twilio", endpoint.url)
    assert await one.send(message()) == "SM1"
    with pytest.raises(GiveUpError, match="21211"):
        await one.send(message())
    await one.close()
    request = endpoint.requests[0]
    assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["authorization"].startswith("Basic ")
    assert b"To=%2B821012345678&From=%2B12025550123&Body=" in request.body


async def test_a_json_request_is_filled_from_its_template(endpoint: Endpoint) -> None:
    one = channel("http", url=f"{endpoint.url}/send", authorization="Bearer hush", to="kim",
                  json={"to": ["{to}"], "m": {"text": "{title}|{unknown}|{text", "n": 1}, "ref": "{id}"})
    await one.send(message())
    await one.close()
    (request,) = endpoint.requests
    assert request.headers["authorization"] == "Bearer hush"
    assert request.headers["idempotency-key"] == ID
    assert request.json == {"to": ["kim"], "ref": ID,
                            "m": {"text": f"{message().title}|{{unknown}}|{{text", "n": 1}}


def test_braces_in_a_value_are_not_filled() -> None:
    assert filled("{text}{to}", {"text": "{to}", "to": "kim"}) == "{to}kim"


async def test_a_form_request_is_filled_from_its_template(endpoint: Endpoint) -> None:
    one = channel("http", url=f"{endpoint.url}/send", method="PUT", form={"t": "{to}", "m": "{title}"}, to="kim")
    await one.send(message())
    await one.close()
    assert (endpoint.requests[0].method, parse_qs(endpoint.requests[0].body.decode())) == (
        "PUT", {"t": ["kim"], "m": [message().title]})


async def test_webhook_is_signed(endpoint: Endpoint) -> None:
    one = of("webhook", endpoint.url)
    await one.send(message(by="Kim", text="private"))
    await one.close()
    (request,) = endpoint.requests
    assert request.headers["content-type"] == "application/cloudevents+json"
    timestamp = request.headers["x-anbu-timestamp"]
    assert abs(time.time() - int(timestamp)) < 60
    expected = hmac.new(b"hush", timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-anbu-signature"] == f"sha256={expected}"
    assert request.json["specversion"] == "1.0"
    assert (request.json["data"]["by"], request.json["data"]["text"]) == ("somebody", None)
    assert request.headers["idempotency-key"] == ID


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(("value", "seconds"), [
    (None, None), ("120", 120.0), ("Tue, 24 Nov 2026 12:01:00 GMT", 60.0), ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
    ("99999", 3600.0), ("soon", None), ("", None)])
def test_the_retry_after_header_is_read(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOON) == seconds


def test_an_event_for_a_webhook_is_json() -> None:
    assert orjson.loads(orjson.dumps(message().event))["id"] == "42:no_report:2026-11-24:morning/1"
