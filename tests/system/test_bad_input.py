"""A real worker answers each record of any content, and reports each wrong setting in one line."""

import json
import os
import socket
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import TopicPartition
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from support.vectors import KEK_FILE
from support.worker import WorkerProcess

from local.embedded import free_port
from models.report import SOS, StatusReport
from models.wire.frame import seal, to_text
from models.wire.keys import message_key, wrap
from models.wire.payload import encode
from streams.engine.changelog import read, reader
from streams.kafka import started_producer
from streams.topics import ALERTS, COMMANDS, QUARANTINE, REGISTRY, REPORTS, SMS, declare

KEK, KEY = bytes(32), bytes(16)
AT = "2026-11-24T00:40:00Z"
PROFILE = {"subject": 7, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-01-01T00:00:00Z",
           "devices": [{"slot": 0, "epoch": 5, "kek": "k1", "key": b64encode(
               wrap(KEK, bytes(12), KEY, 7, 0, 5)).decode()}]}
COMMAND = {"id": "1", "type": "resolve", "subject": 7, "by": "kim", "at": AT, "alert": "7:sos:0.5.99"}


def frame(counter: int, plaintext: bytes = encode(StatusReport(None, None, 1, *(None,) * 6)), *, subject: int = 7,
          epoch: int = 5, slot: int = 0, key: bytes = KEY) -> str:
    cipher = AESCCM(message_key(key, subject, slot, epoch), tag_length=8)
    return to_text(seal(cipher, subject, slot, epoch, counter, plaintext))


def sms(text: str | None, **fields: Any) -> dict[str, Any]:
    return {"received_at": AT, "text": text, **fields}


INPUT: list[tuple[str, str, Any, str | None]] = [
    # what                                  topic     value: octets or JSON                     reason (None: accepted)
    ("a damaged frame",                     SMS,      sms(frame(1)[:40] + "@" + frame(1)[41:]),     "corrupt"),
    ("a cut frame",                         SMS,      sms(frame(1)[:60]),                           "corrupt"),
    ("a forged frame",                      SMS,      sms(frame(1, key=bytes(15) + b"x")),          "not_authentic"),
    ("an unknown subject",                  SMS,      sms(frame(1, subject=8)),                     "unknown_subject"),
    ("a wrong epoch",                       SMS,      sms(frame(1, epoch=7)),                       "bad_epoch"),
    ("an unknown slot",                     SMS,      sms(frame(1, slot=3)),                        "unknown_device"),
    ("64 kB of text",                       SMS,      sms("x" * 65_536),                            "no_frame"),
    ("no base64",                           SMS,      sms(None, binary="%%%"),                      "corrupt"),
    ("a random but authentic report",       SMS,      sms(frame(2, bytes([1, *range(100, 139)]))), None),
    ("a random type",                       SMS,      sms(frame(3, bytes([99] * 40))),              "bad_type"),
    ("a random list of attributes",         SMS,      sms(frame(4, bytes([2, 1, 77] + [5] * 37))),  "out_of_range"),
    ("a replayed frame",                    SMS,      sms(frame(2, bytes([1, *range(100, 139)]))), None),
    ("a clock years off",                   SMS,      sms(frame(5, encode(StatusReport(
        4_000_000_000, 5038, SOS, *(None,) * 6)))),                                                 None),
    ("invalid UTF-8 on sms",                SMS,      b'{"text": "\xff"}',                          "malformed"),
    ("invalid UTF-8 on registry",           REGISTRY, b'{"site": "\xff"}',                          "malformed"),
    ("invalid UTF-8 on commands",           COMMANDS, b'{"by": "\xff"}',                            "malformed"),
    ("no JSON on sms",                      SMS,      b"hello",                                     "malformed"),
    ("no JSON on registry",                 REGISTRY, b"{",                                         "malformed"),
    ("no JSON on commands",                 COMMANDS, b"",                                          "malformed"),
    ("a registry record with a field less", REGISTRY, {**PROFILE, "site": None},                    "malformed"),
    ("an impossible zone",                  REGISTRY, {**PROFILE, "tz": "Asia/Atlantis"},           "malformed"),
    ("a window that closes before it opens", REGISTRY, {**PROFILE, "windows": {"morning": {
        "open": "09:00", "close": "06:00"}}},                                                       "malformed"),
    ("a command on a closed alert",         COMMANDS, COMMAND,                                      None),
    ("a command of an unknown subject",     COMMANDS, {**COMMAND, "subject": 8},                    None),
    ("a command without its text",          COMMANDS, {**COMMAND, "type": "comment"},               "malformed"),
]


async def lines(worker: WorkerProcess, topic: str) -> list[dict[str, Any]]:
    async with reader(worker.settings) as consumer:
        return [json.loads(record.value) async for record in read(consumer, TopicPartition(topic, 0))]


@pytest.mark.timeout(120)
async def test_every_bad_record_is_answered_with_its_reason(tmp_path: Path) -> None:
    keks = tmp_path / "kek.json"
    keks.write_text(json.dumps({"k1": b64encode(KEK).decode()}))
    places: dict[tuple[str, int], str | None] = {}
    with WorkerProcess(tmp_path / "worker", ANBU_PARTITIONS="1", ANBU_KEK_FILE=str(keks)) as worker:
        await declare(worker.settings)
        async with started_producer(worker.settings) as sender:
            await sender.send_and_wait(REGISTRY, json.dumps(PROFILE).encode(), key=b"7", partition=0)
            worker.start()
            async with httpx.AsyncClient() as http:
                await worker.wait_idle(http)
                for _, topic, value, reason in INPUT:
                    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
                    sent = await sender.send_and_wait(topic, octets, key=b"any", partition=0)
                    places[topic, sent.offset] = reason
                await worker.wait_idle(http)
        rejected = {(one["origin"]["topic"], one["origin"]["offset"]): one["reason"]
                    for one in await lines(worker, QUARANTINE)}
        answers = await lines(worker, REPORTS)
        reports = [one for one in answers if one["type"] == "report"]
        refused = [(one["subject"], one["reason"]) for one in answers if one["type"] == "refused"]
        alerts = await lines(worker, ALERTS)
    assert rejected == {place: reason for place, reason in places.items() if reason is not None}
    assert refused == [(7, "not_open"), (8, "unknown_subject")]
    assert [one["id"] for one in reports] == ["0.5.2", "0.5.5"], "the authentic ones, each once"
    assert "clock" in reports[1]["flags"]
    assert "7:sos:0.5.5/1" in {one["id"] for one in alerts}, "a clock years off does not silence an SOS"


@pytest.mark.parametrize(("variables", "said"), [
    ({}, "ANBU_KEK_FILE is not set"),
    ({"ANBU_KEK_FILE": "/does/not/exist"}, "ANBU_KEK_FILE: /does/not/exist cannot be read"),
    ({"ANBU_KEK_FILE": str(Path(__file__))}, "is not valid JSON"),
    ({"ANBU_KEK_FILE": str(KEK_FILE), "ANBU_AGENTS": "watch,record"}, "one worker runs one agent"),
    ({"ANBU_KEK_FILE": str(KEK_FILE), "ANBU_WORKER_HOST": "0.0.0.0"}, "ANBU_WORKER_TOKEN is not set"),
    ({"ANBU_AGENTS": "ask", "ANBU_ROUTES": '{"channels": {}, "sites": {}, "gateways": {}}'}, "sites has no"),
    ({"ANBU_AGENTS": "ask", "ANBU_ROUTES": json.dumps({
        "channels": {"team": {"type": "slack", "url": "https://hooks.example.org/x"}},
        "sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]}})}, "ANBU_ROUTES_FILE: asks: is missing"),
    ({"ANBU_KEK_FILE": str(KEK_FILE), "ANBU_GUARANTEE": "hope"}, "ANBU_GUARANTEE: must be one of fence, none"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_setting_ends_a_worker_in_one_line(variables: dict[str, str], said: str, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANBU_")}
    faust = str(Path(sys.executable).with_name("faust"))
    done = subprocess.run([faust, "--datadir", str(tmp_path), "-A", "streams.app", "worker"], env=kept | variables,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(("process", "variable"), [
    ("gateway", "ANBU_GATEWAY_PORT"), ("web", "ANBU_WEB_PORT"), ("worker", "ANBU_WORKER_PORT")])
def test_a_port_that_is_taken_ends_any_process_with_status_3(process: str, variable: str, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANBU_")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = {"ANBU_KEK_FILE": str(KEK_FILE), "ANBU_GATEWAY_SECRET": "hush", "ANBU_AGENTS": "watch",
                 "ANBU_KAFKA": f"127.0.0.1:{free_port()}", "ANBU_DATA_DIR": str(tmp_path), variable: port}
        running = subprocess.Popen([str(Path(sys.executable).with_name("anbu")), process], stderr=subprocess.PIPE,
                                   text=True, env=kept | given)
        try:
            words = running.communicate(timeout=60)[1]
        finally:
            running.terminate()  # a worker ends what it has started
            running.wait(60)
    assert (running.returncode, "Traceback" in words) == (3, False), words
    (said,) = [line for line in words.splitlines() if "already in use" in line]
    assert port in said


@pytest.mark.parametrize(("process", "variables", "said"), [
    ("gateway", {"ANBU_KAFKA": "kafka:abc"}, "ANBU_KAFKA: "),
    ("gateway", {"ANBU_KAFKA_SECURITY": "SSL", "ANBU_KAFKA_SECURITY_CA": "/none"}, "ANBU_KAFKA_SECURITY_CA: /none"),
    ("web", {"ANBU_CLOCK_FILE": "/none"}, "ANBU_CLOCK_FILE: /none"),
    ("worker", {"ANBU_KAFKA_SECURITY": "SASL_SSL"}, "ANBU_KAFKA_SECURITY_USER"),
    ("worker", {"ANBU_DATA_DIR": "/proc/none"}, "ANBU_DATA_DIR: /proc/none"),
    ("worker", {"ANBU_CLOCK_FILE": "/dev/null"}, "ANBU_CLOCK_FILE: /dev/null is not a clock"),
    ("worker", {"ANBU_WORKER_PORT": "0"}, "ANBU_WORKER_PORT: "),
    ("worker", {"ANBU_AGENTS": "record", "ANBU_MONGODB": "mongodb://host/anbu?tls=true&tlsCAFile=/none"},
     "ANBU_MONGODB: "),
    ("web", {"ANBU_MONGODB": "mongodb://host/anbu?tls=yes"}, "ANBU_MONGODB: "),
])
def test_a_wrong_setting_ends_any_process_in_one_line(process: str, variables: dict[str, str], said: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANBU_")}
    anbu = str(Path(sys.executable).with_name("anbu"))
    done = subprocess.run([anbu, process], capture_output=True, text=True, timeout=60, check=False,
                          env=kept | {"ANBU_KEK_FILE": str(KEK_FILE), "ANBU_GATEWAY_SECRET": "hush",
                                      "ANBU_ROUTES": "{}"} | variables)
    assert (done.returncode, said in done.stderr, len(done.stderr.strip().splitlines())) == (2, True, 1), done.stderr
