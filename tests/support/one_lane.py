"""One lane on a real Apache Kafka, the person 7 who lives in it, and the workers that have it."""

import uuid
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from local.kafka import LocalKafka
from models.report import SOS, StatusReport
from models.wire.frame import seal, to_text
from models.wire.keys import KeyRing, message_key, parse_keks, wrap
from models.wire.payload import encode
from streams.kafka import started_producer
from streams.topics import REGISTRY, SMS
from support.audit import Audit, audit
from support.worker import WorkerProcess

KEK, KEY, CIPHER = bytes(32), bytes(16), AESCCM(message_key(bytes(16), 7, 0, 1), tag_length=8)
PROFILE = {"subject": 7, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-01-01T00:00:00Z",
           "devices": [{"slot": 0, "epoch": 1, "kek": "k1",
                        "key": b64encode(wrap(KEK, bytes(12), KEY, 7, 0, 1)).decode()}]}
MOVED = {**PROFILE, "site": "mapo"}  # what an SOS says of the site depends on which came first


def sos(counter: int) -> tuple[str, dict[str, Any]]:
    """An SMS with an SOS. The first one opens an alert."""
    frame = seal(CIPHER, 7, 0, 1, counter, encode(StatusReport(None, None, SOS, *(None,) * 6)))
    return SMS, {"received_at": f"2026-11-24T00:{counter:02d}:00Z", "text": to_text(frame)}


@dataclass
class Place:
    """One lane on a broker, and the workers that have it, in a group of their own: those of the test before, if they
    were killed, are members of theirs until their session is over, and whoever joined that would have to wait."""

    folder: Path
    kafka: LocalKafka
    guarantee: str = "fence"
    count: int = 0
    app_id: str = field(default_factory=lambda: f"anbu-{uuid.uuid4().hex[:12]}")

    def worker(self, **variables: str) -> WorkerProcess:
        self.count += 1
        keks = self.folder / "kek.json"
        keks.write_bytes(orjson.dumps({"k1": b64encode(KEK).decode()}))
        return WorkerProcess(self.folder / f"worker-{self.count}", "support.wounded_worker", **{
            "PYTHONPATH": "tests", "ANBU_KAFKA": self.kafka.address, "ANBU_PARTITIONS": "1", "ANBU_APP_ID": self.app_id,
            "ANBU_KEK_FILE": str(keks), "ANBU_GUARANTEE": self.guarantee, "ANBU_SESSION_S": "2", **variables})

    @asynccontextmanager
    async def begun(self, first: WorkerProcess, *others: WorkerProcess) -> AsyncIterator[httpx.AsyncClient]:
        """The first worker runs and knows the person; all are ended with the block."""
        async with httpx.AsyncClient() as http:
            with ExitStack() as stack:
                for one in (first, *others):
                    stack.enter_context(one)
                first.start()
                await self.send(first, (REGISTRY, PROFILE))
                await first.wait_idle(http)
                yield http

    async def send(self, worker: WorkerProcess, *lines: tuple[str, dict[str, Any]]) -> None:
        async with started_producer(worker.settings) as sender:
            for topic, value in lines:
                await sender.send(topic, orjson.dumps(value), key=b"7", partition=0)

    async def verdict(self, worker: WorkerProcess) -> Audit:
        return await audit(worker.settings, KeyRing(parse_keks(orjson.dumps({"k1": b64encode(KEK).decode()}))))
