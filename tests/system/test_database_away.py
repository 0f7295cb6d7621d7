"""The database is away at the start or later: the agents that need it say so, are not ready, and resume with it."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from support.database import new_database
from support.vectors import VECTORS, read_lines
from support.worker import WorkerProcess

from local.embedded import ChildService, free_port
from stores.embedded import embedded_database_command
from stores.queries import Queries
from streams.kafka import started_producer
from streams.topics import declare

ROUTES = json.dumps({"channels": {"team": {"type": "slack", "url": "http://127.0.0.1:9/hook"}},
                     "sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]}})
PATIENCE_S = 60.0  # a notifier with nothing to send looks every ten seconds


@pytest.mark.timeout(120)
async def test_record_waits_for_its_database(tmp_path: Path) -> None:
    port = free_port()
    url = f"mongodb://127.0.0.1:{port}/anbu"
    with WorkerProcess(tmp_path / "worker", ANBU_PARTITIONS="1", ANBU_AGENTS="record", ANBU_MONGODB=url) as worker:
        await declare(worker.settings)
        async with started_producer(worker.settings) as sender:
            for line in read_lines(VECTORS / "scenarios" / "morning.out.jsonl"):
                await sender.send_and_wait(line["topic"], json.dumps(line["value"]).encode(), key=line["key"].encode(),
                                           partition=0)
        worker.start()
        async with httpx.AsyncClient() as http:
            while "the database" not in worker.log.read_text():
                await asyncio.sleep(0.1)
            while not (health := await worker.health(http)) or not health["lanes"]:
                await asyncio.sleep(0.1)
            assert (health["ready"], health["waiting_for"]) == (False, "database")
            command = embedded_database_command(tmp_path / "database", port)
            with ChildService(command, port, tmp_path / "database.log"):
                await worker.wait_idle(http)
                queries = Queries(url)
                checkins = await queries.checkins_of_day("2026-11-24")
                queries.close()
    assert {(one["subject"], one["result"]) for one in checkins} == {
        (41, "awake"), (42, "out"), (43, "awake"), (44, "awake"), (45, "silent")}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("agent", ["record", "notify"])
async def test_an_idle_worker_reports_that_the_database_is_away(agent: str, tmp_path: Path) -> None:
    with new_database(tmp_path) as database, WorkerProcess(
            tmp_path / "worker", ANBU_PARTITIONS="1", ANBU_AGENTS=agent, ANBU_ROUTES=ROUTES,
            ANBU_MONGODB=f"mongodb://{database.address}/anbu") as worker:
        worker.start()
        async with httpx.AsyncClient() as http:
            await worker.wait_idle(http)
            database.kill()
            async with asyncio.timeout(PATIENCE_S):
                while (health := await worker.health(http)) is None or health["ready"]:
                    await asyncio.sleep(0.1)
            assert (health["live"], health["waiting_for"]) == (True, "database")
            assert len(health["lanes"]) == 1
            database.start()
            await worker.wait_idle(http)
