"""The service over real HTTP on a real broker: what is accepted lies in the topic, what is refused says why."""

import json
import re
import socket
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from support.gateway import NAME, RunningGateway, gateway_settings, read_sms, running_gateway
from support.page import StoppedClock, wait_until

from cli.main import main
from gateway import publisher
from gateway.adapters.generic import MOST_OCTETS, OPENAPI, signed
from gateway.app import create_app
from local.embedded import free_port
from models.times import format_time
from models.wire.frame import to_text
from runtime.settings import Settings, SettingsError
from streams.partition import partition_of, partition_of_key
from streams.topics import declare

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi-gateway.json"


def frame(subject: int) -> bytes:
    """A frame with a clear header; nobody here can tell whether the rest is authentic."""
    return b"\x20" + subject.to_bytes(4) + bytes(51)


async def test_an_accepted_sms_is_in_the_partition_of_its_subject(gateway: RunningGateway, settings: Settings) -> None:
    text = "[Web발신] " + to_text(frame(42)) + " 무료거부"
    answers = [
        gateway.post({"id": "1", "sender": "+821011112222", "recipient": "1666", "text": text}),
        gateway.post({"binary": b64encode(frame(7)).decode()}),
        gateway.post({"sender": "+82109", "text": "안녕하세요"}),
        gateway.post({"text": "W.cut"}),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {"status": "accepted"})] * 4
    topic = await read_sms(settings)
    found = {one["text"] or one["binary"]: (partition, one) for partition, records in topic.items()
             for one in records if one["type"] == "sms"}
    now = format_time(int(gateway.clock.now()))
    partition, sms = found.pop(text)
    assert (partition, sms) == (partition_of(42, settings.partitions), {
        "type": "sms", "gateway": NAME, "id": "1", "sender": "+821011112222", "recipient": "1666", "text": text,
        "binary": None, "received_at": now, "_key": b"42"})
    assert {one["_key"]: partition for partition, one in found.values()} == {
        b"7": partition_of(7, settings.partitions), b"+82109": partition_of_key(b"+82109", settings.partitions),
        None: 0}


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"\xff", 400), (b"[]", 422), (b'{"text":1}', 422)])
def test_a_refusal_gives_its_reason_as_json(gateway: RunningGateway, body: bytes, status: int) -> None:
    answer = gateway.post_octets(body)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert answer.headers["content-type"] == "application/json"
    assert "retry-after" not in answer.headers


async def test_long_texts_are_accepted_up_to_a_limit(gateway: RunningGateway, settings: Settings) -> None:
    """64 kB is more than any SMS has. Above the limit a sender gets a reason."""
    assert gateway.post({"text": "가" * 20_000}).status_code == 202
    assert gateway.post({"text": "x" * 65_536}).status_code == 202
    exact = b'{"text":"' + b"x" * (MOST_OCTETS - 11) + b'"}'
    assert gateway.post_octets(exact).status_code == 202
    for size in (MOST_OCTETS + 1, 20_000_000):
        answer = gateway.post_octets(exact.ljust(size))
        assert (answer.status_code, list(answer.json())) == (413, ["error"])
    assert sum(one["type"] == "sms" for records in (await read_sms(settings)).values() for one in records) == 3


def test_unsigned_requests_are_refused(gateway: RunningGateway) -> None:
    answer = httpx.post(f"{gateway.url}/v1/sms", json={"text": "W."})
    assert (answer.status_code, list(answer.json())) == (401, ["error"])
    headers = signed("another secret", gateway.clock.now(), b"{}")
    assert httpx.post(f"{gateway.url}/v1/sms", content=b"{}", headers=headers).status_code == 401


def test_a_request_that_ends_too_early_is_not_accepted(gateway: RunningGateway) -> None:
    """The client leaves in the middle of the body. Afterwards no SMS is in hand."""
    def half() -> Iterator[bytes]:
        yield b'{"text":'
        raise httpx.WriteError("the line is cut")

    with pytest.raises(httpx.WriteError):
        httpx.post(f"{gateway.url}/v1/sms", content=half())
    wait_until(lambda: gateway.status()["in_hand"] == 0)


def test_status_and_health_are_reported(gateway: RunningGateway) -> None:
    now = format_time(int(gateway.clock.now()))
    assert gateway.status() == {"in_hand": 0, "ticked": now, "broker": "up"}
    answer = httpx.get(f"{gateway.url}/health")
    assert (answer.status_code, answer.json()) == (200, {"live": True, "ready": True})


def test_without_a_broker_the_gateway_answers_503() -> None:
    with running_gateway(gateway_settings(kafka=f"127.0.0.1:{free_port()}")) as lonely:
        answer = lonely.post({"text": "W."})
        assert (answer.status_code, list(answer.json())) == (503, ["error"])
        assert int(answer.headers["retry-after"]) > 0
        assert lonely.status() == {"in_hand": 0, "ticked": None, "broker": "away"}
        assert httpx.get(f"{lonely.url}/health").status_code == 503
        assert lonely.post({"text": 1}).status_code == 422


async def test_a_topic_with_another_number_of_partitions_ends_the_gateway(settings: Settings) -> None:
    await declare(settings)
    with running_gateway(replace(settings, partitions=3)) as wrong:
        wait_until(lambda: wrong.failures)
    assert isinstance(wrong.failures[0], SettingsError)
    assert "ANBU_PARTITIONS" in str(wrong.failures[0])


@pytest.mark.parametrize(("changes", "variable"), [
    ({"gateway_secret": None}, "ANBU_GATEWAY_SECRET"), ({"tick_s": 0.0}, "ANBU_TICK_S")])
def test_missing_or_wrong_settings_are_refused(changes: dict[str, Any], variable: str) -> None:
    failures: list[BaseException] = []
    with pytest.raises(SettingsError, match=variable):
        create_app(gateway_settings(**changes), StoppedClock(), failures.append)
    assert failures == []


def test_a_slow_request_is_refused_in_time(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that never ends holds the ticks back no longer than an answer may take."""
    monkeypatch.setattr(publisher, "ANSWER_S", 0.2)
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(b"POST /v1/sms HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{")
        assert line.recv(12) == b"HTTP/1.1 503"
    assert gateway.status()["in_hand"] == 0


def test_the_openapi_document_is_current() -> None:
    result = CliRunner().invoke(main, ["gateway", "--openapi"])
    assert json.loads(DOCUMENT.read_bytes()) == json.loads(result.stdout), (
        "anbu gateway --openapi > docs/openapi-gateway.json")


def test_the_openapi_document_describes_the_fields_of_the_adapter() -> None:
    headers = signed("secret", 1_795_467_845, b"{}")
    described = {one["name"]: one["schema"]["pattern"] for one in OPENAPI["parameters"]}
    assert all(re.search(pattern, headers[name]) for name, pattern in described.items())
