"""The examples of docs/ as they stand there, in an environment that holds aiokafka alone, against a real worker."""

import asyncio
import json
import re
import subprocess
import sys
import time
import venv
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from support.worker import WorkerProcess

from models.report import SOS, StatusReport
from models.wire.frame import seal, to_text
from models.wire.keys import message_key, wrap
from models.wire.payload import encode
from streams.kafka import started_producer
from streams.partition import partition_of
from streams.topics import REGISTRY, declare

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
NEEDED = ("aiokafka", "async-timeout", "packaging", "typing-extensions")
SUBJECTS = range(1, 7)
KEK, KEY = bytes(32), bytes(16)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has aiokafka and what it needs, as pinned here, and nothing of ours."""
    folder = tmp_path_factory.mktemp("aiokafka-alone")
    pinned = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    block = r"==[^\n]*(?:\n +--hash[^\n]*)*"
    wanted = [found for name in NEEDED for found in re.findall(rf"^{name}{block}", pinned, re.MULTILINE)]
    (folder / "requirements.txt").write_text("\n".join(wanted) + "\n", encoding="utf-8")
    venv.create(folder / "venv", with_pip=True)
    found = folder / "venv" / "bin" / "python"
    subprocess.run([found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r",
                    folder / "requirements.txt"], check=True, timeout=100)
    assert subprocess.run([found, "-c", "import models"], cwd=folder, capture_output=True, check=False).returncode == 1
    return found


def profile(subject: int) -> bytes:
    wrapped = b64encode(wrap(KEK, bytes(12), KEY, subject, 0, 1)).decode()
    return json.dumps({"subject": subject, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
                       "since": "2026-01-01T00:00:00Z",
                       "devices": [{"slot": 0, "epoch": 1, "kek": "k1", "key": wrapped}]}).encode()


def sos(subject: int) -> str:
    cipher = AESCCM(message_key(KEY, subject, 0, 1), tag_length=8)
    report = StatusReport(int(time.time()), None, SOS, *(None,) * 6)  # a device without a clock has an alert more
    return to_text(seal(cipher, subject, 0, 1, 1, encode(report)))


@pytest.mark.timeout(180)
async def test_a_foreign_producer_and_a_subscriber(python: Path, tmp_path: Path) -> None:
    keks = tmp_path / "kek.json"
    keks.write_text(json.dumps({"k1": b64encode(KEK).decode()}))
    with WorkerProcess(tmp_path / "worker", ANBU_PARTITIONS="4", ANBU_KEK_FILE=str(keks)) as worker:
        await declare(worker.settings)
        async with started_producer(worker.settings) as sender:
            for subject in SUBJECTS:
                await sender.send_and_wait(REGISTRY, profile(subject), key=b"%d" % subject,
                                           partition=partition_of(subject, 4))
        worker.start()
        async with httpx.AsyncClient() as http:
            await worker.wait_idle(http)
        broker = worker.settings.kafka
        subscriber = await asyncio.create_subprocess_exec(
            python, EXAMPLES / "subscribe_alerts.py", broker, stdout=asyncio.subprocess.PIPE, cwd=tmp_path)
        try:
            for subject in SUBJECTS:
                feeder = await asyncio.create_subprocess_exec(
                    python, EXAMPLES / "produce_sms.py", broker, "+821000000000", sos(subject), cwd=tmp_path)
                assert await asyncio.wait_for(feeder.wait(), 30) == 0
            assert subscriber.stdout is not None
            said = {(await asyncio.wait_for(subscriber.stdout.readline(), 60)).decode().split(" ")[0] for _ in SUBJECTS}
        finally:
            subscriber.kill()
            await subscriber.communicate()
    assert said == {f"{subject}:sos:0.1.1" for subject in SUBJECTS}, "wherever an SMS landed, its person's lane got it"


def test_the_subscriber_is_ten_lines() -> None:
    text = (EXAMPLES / "subscribe_alerts.py").read_text(encoding="utf-8")
    body = [line for line in text.split("async def main")[1].splitlines()[1:] if line.strip()]
    assert len(body) <= 10
    assert sys.version_info >= (3, 11)
