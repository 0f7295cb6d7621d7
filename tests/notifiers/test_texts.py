"""A question to a device, as each provider gets it: to the right number, in one SMS, with the time that it is valid."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from support.endpoint import Answer, Endpoint

from notifiers.fields import Fields
from notifiers.ports import GiveUpError, RetryError, Text, TextChannel
from notifiers.routes_file import ADAPTERS

TEXT = Text("42/2026-11-24:morning/2", "+821000000042",
            "W.IQAAACoTsAIUsTacwiKL14ywaQjIztw2ZigSTMl14gFzNxeGFHYQ7ZcEk9ceuv6uvBPFJJWczMw", 895)
KINDS: dict[str, dict[str, Any]] = {
    "kannel": {"user": "anbu", "password": "hush", "from": "1666"},
    "twilio": {"account": "AC1", "token": "hush", "from": "+12025550123"},
    "http": {"form": {"to": "{to}", "m": "{text}", "ttl": "{valid_s}", "id": "{id}"}}}
TAKEN = {"kannel": Answer(202, "0: Accepted for delivery"), "twilio": Answer(201, '{"sid": "SM1"}'),
         "http": Answer(200)}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


def channel(kind: str, endpoint: Endpoint) -> TextChannel:
    made = ADAPTERS[kind](Fields({"type": kind, "url": endpoint.url, **KINDS[kind]}, "channels.sms", asks=True))
    assert isinstance(made, TextChannel)
    return made


async def sent(kind: str, endpoint: Endpoint, text: Text = TEXT) -> None:
    one = channel(kind, endpoint)
    try:
        await one.send_text(text)
    finally:
        await one.close()


async def test_kannel(endpoint: Endpoint) -> None:
    """In UCS-2 the text would need two SMS."""
    endpoint.answers.append(TAKEN["kannel"])
    await sent("kannel", endpoint)
    (request,) = endpoint.requests
    assert request.body.decode() == TEXT.text
    assert {name: request.headers[f"x-kannel-{name}"] for name in ("to", "from", "coding", "validity")} == {
        "to": "+821000000042", "from": "1666", "coding": "0", "validity": "14"}
    assert request.headers["content-type"] == "text/plain; charset=UTF-8"


async def test_twilio(endpoint: Endpoint) -> None:
    endpoint.answers.append(TAKEN["twilio"])
    await sent("twilio", endpoint)
    (request,) = endpoint.requests
    assert b"To=%2B821000000042&" in request.body  # a plain + would arrive as a blank
    assert parse_qs(request.body.decode()) == {"To": ["+821000000042"], "From": ["+12025550123"], "Body": [TEXT.text],
                                               "ValidityPeriod": ["895"]}


async def test_any_http(endpoint: Endpoint) -> None:
    await sent("http", endpoint)
    (request,) = endpoint.requests
    assert b"to=%2B821000000042&" in request.body
    assert parse_qs(request.body.decode()) == {"to": ["+821000000042"], "m": [TEXT.text], "ttl": ["895"],
                                               "id": [TEXT.id]}
    assert request.headers["idempotency-key"] == TEXT.id


@pytest.mark.parametrize(("kind", "valid_s", "said"), [
    ("kannel", 1, "1"), ("kannel", 59, "1"), ("kannel", 120, "2"), ("kannel", 86_400, "1440"),
    ("twilio", 1, "1"), ("twilio", 36_000, "36000"), ("twilio", 36_001, "36000")])
async def test_the_validity_is_one_that_the_provider_takes(endpoint: Endpoint, kind: str, valid_s: int,
                                                           said: str) -> None:
    endpoint.answers.append(TAKEN[kind])
    await sent(kind, endpoint, TEXT._replace(valid_s=valid_s))
    (request,) = endpoint.requests
    found = request.headers.get("x-kannel-validity") or parse_qs(request.body.decode())["ValidityPeriod"][0]
    assert found == said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("answer", "error"), [
    (Answer(429, headers={"retry-after": "7"}), RetryError), (Answer(503), RetryError), (Answer(cut=True), RetryError),
    (Answer(400), GiveUpError)], ids=["429", "503", "cut", "400"])
async def test_what_an_answer_means(endpoint: Endpoint, kind: str, answer: Answer, error: type[Exception]) -> None:
    endpoint.answers.append(answer)
    with pytest.raises(error) as raised:
        await sent(kind, endpoint)
    assert len(endpoint.requests) == 1
    assert all(secret not in str(raised.value) for secret in ("hush", "8210", TEXT.text))


async def test_kannel_refuses_with_success(endpoint: Endpoint) -> None:
    endpoint.answers.append(Answer(202, "Routing failed"))
    with pytest.raises(GiveUpError, match="Routing failed"):
        await sent("kannel", endpoint)


async def test_a_provider_that_refuses_with_success(endpoint: Endpoint) -> None:
    endpoint.answers.append(Answer(200, '{"result": "-101"}'))
    made = ADAPTERS["http"](Fields({"type": "http", "url": endpoint.url, "expect": '"result":"1"', **KINDS["http"]},
                                   "channels.sms", asks=True))
    assert isinstance(made, TextChannel)
    with pytest.raises(RetryError, match="lacks the text of `expect`"):
        await made.send_text(TEXT)
    await made.close()
