"""The agent `ask` as a process: a killed worker loses no question, and a provider that is away delays no other."""

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest
from support.asking import TEXT, http
from support.endpoint import Answer, Endpoint
from support.worker import WorkerProcess

from models.contract.asks import Ask
from models.contract.outputs import write_ask
from models.window import Window
from streams.kafka import started_producer
from streams.topics import ASKS, declare

PATIENCE_S = 60.0


def question(subject: int, gateway: str, now: int) -> Ask:
    return Ask(subject, "jongno", gateway, 0, Window.parse("2026-11-24:morning"), 1, "+821000000042", TEXT, now,
               now + 1800)


def asked(provider: Endpoint) -> list[int]:
    return [int(request.json["id"].partition("/")[0]) for request in provider.requests]


@pytest.mark.timeout(180)
async def test_a_killed_worker_loses_no_question(tmp_path: Path) -> None:
    now = int(time.time())
    with Endpoint(usual=Answer(503)) as away, Endpoint() as good:
        routes = {"channels": {"away": http(away), "good": http(good),
                               "team": {"type": "slack", "url": "http://127.0.0.1:9/hook"}},
                  "asks": {"seoul-1": "away", "*": "good"},
                  "sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]}}
        with WorkerProcess(tmp_path / "worker", ANBU_PARTITIONS="1", ANBU_AGENTS="ask",
                           ANBU_ROUTES=json.dumps(routes)) as worker:
            await declare(worker.settings)
            async with started_producer(worker.settings) as sender, httpx.AsyncClient() as asking, \
                    asyncio.timeout(PATIENCE_S):

                async def put(ask: Ask) -> None:
                    await sender.send_and_wait(ASKS, write_ask(ask).value, key=b"%d" % ask.subject, partition=0)

                await put(question(1, "busan-1", now))
                worker.start()
                while asked(good) != [1]:
                    await asyncio.sleep(0.1)
                await put(question(2, "seoul-1", now))
                while not away.requests:
                    await asyncio.sleep(0.1)
                await put(question(3, "busan-1", now))
                while asked(good) != [1, 3]:
                    await asyncio.sleep(0.1)
                await worker.wait_idle(asking)
                await asyncio.sleep(4)  # commits come every few seconds
                worker.kill()
                away.usual = Answer(200)
                before = len(away.requests)
                worker.start()
                while len(away.requests) == before or asked(good)[2:] != [3]:
                    await asyncio.sleep(0.1)
                assert set(asked(away)) == {2}
                await worker.wait_idle(asking)
                await asyncio.sleep(4)
                assert worker.terminate() == 0
                sent = len(away.requests), len(good.requests)
                worker.start()
                await worker.wait_idle(asking)
                assert (len(away.requests), len(good.requests)) == sent
