"""Two workers share the lanes, and either answers for both."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import httpx
import orjson
import pytest
from support.worker import WorkerProcess

from local.embedded import free_port
from local.kafka import LocalKafka
from streams.kafka import started_producer
from streams.partition import partition_of
from streams.topics import REGISTRY, declare

PEOPLE = range(1, 13)
PARTITIONS = 4


@pytest.mark.timeout(150)
async def test_any_worker_shows_a_person_of_another_worker(kafka: LocalKafka, tmp_path: Path) -> None:
    variables = {"ANBU_KAFKA": kafka.address, "ANBU_PARTITIONS": str(PARTITIONS), "ANBU_GUARANTEE": "fence",
                 "ANBU_KEK": orjson.dumps({"k1": "A" * 43 + "="}).decode(), "ANBU_WORKER_TOKEN": "open sesame"}
    ports = {"one": free_port(), "two": free_port()}
    workers = [WorkerProcess(tmp_path / name, **variables, ANBU_WORKER_PORT=str(port), ANBU_WORKER_HOST="0.0.0.0",
                             ANBU_WORKER_URL=f"http://localhost:{port}") for name, port in ports.items()]
    await declare(workers[0].settings)
    async with started_producer(workers[0].settings) as sender:
        for subject in PEOPLE:
            profile = {"subject": subject, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
                       "since": "2026-01-01T00:00:00Z"}
            await sender.send_and_wait(REGISTRY, orjson.dumps(profile), key=b"%d" % subject,
                                       partition=partition_of(subject, PARTITIONS))
    headers = {"Authorization": "Bearer open sesame"}
    with workers[0], workers[1]:
        async with httpx.AsyncClient(headers=headers) as http, asyncio.timeout(90):
            for worker in workers:
                worker.start()
            while [len((await one.health(http) or {}).get("lanes", {})) for one in workers] != [2, 2]:
                await asyncio.sleep(0.1)
            answers: Counter[tuple[int, object]] = Counter()
            for worker in workers:
                for subject in PEOPLE:
                    answer = await http.get(f"http://127.0.0.1:{worker.port}/people/{subject}/")
                    answers[answer.status_code, answer.json().get("subject") == subject] += 1
            workers[1].send(signal.SIGSTOP)
            told = await asyncio.gather(*(http.get(f"http://127.0.0.1:{workers[0].port}/people/{subject}/")
                                          for subject in PEOPLE))
            workers[1].send(signal.SIGCONT)
            nobody = [(await http.get(f"http://127.0.0.1:{one.port}/people/99/")).status_code for one in workers]
    assert answers == {(200, True): 2 * len(PEOPLE)}
    assert nobody == [404, 404]
    assert {f"is on {workers[1].settings.worker_url}, which does not answer" in one.text
            for one in told} == {True, False}, "where it says that it is to be reached"
