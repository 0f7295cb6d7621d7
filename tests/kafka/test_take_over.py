"""Take-overs: no lane waits for another, a long fold stops no rebalance, and the watchdog sees a take-over."""

import asyncio
from pathlib import Path

import httpx
import orjson
import pytest
from aiokafka.admin import NewPartitions
from support.one_lane import PROFILE, Place, sos
from support.worker import WorkerProcess

from local.kafka import LocalKafka
from streams.kafka import administration, producer
from streams.topics import COMMANDS, REGISTRY, SMS, changelog, declare

pytestmark = pytest.mark.timeout(150)


async def test_a_rebalance_does_not_wait_for_a_long_fold(place: Place) -> None:
    """The worker stays. Its fold is broken off, and the next worker of the lane folds the batch again."""
    first, second = place.worker(FOLD_S="15"), place.worker()
    async with place.begun(first, second) as http:
        await place.send(first, sos(1))
        await asyncio.sleep(1)  # it folds by now
        second.start()
        async with asyncio.timeout(60):
            while not (ready := [(await one.health(http) or {}).get("lanes") for one in (first, second)]) or not any(
                    lanes and not any(lanes["0"]["lag"].values()) for lanes in ready):
                await asyncio.sleep(0.1)
        assert first.left() is None, "it is none the worse for it"
        found = await place.verdict(second)
    assert (found.problems, found.repeats) == ([], 0)
    assert found.owners >= 2, "the lane was read anew"


async def test_a_lane_that_stays_goes_on_while_another_is_read_back(kafka: LocalKafka, tmp_path: Path) -> None:
    common = {"ANBU_KAFKA": kafka.address, "ANBU_PARTITIONS": "2", "ANBU_GUARANTEE": "fence", "ANBU_SESSION_S": "2",
              "ANBU_KEK": orjson.dumps({"k1": "A" * 43 + "="}).decode(), "PYTHONPATH": "tests"}
    one = WorkerProcess(tmp_path / "one", "support.wounded_worker", **common, LOAD="inf:2")
    other = WorkerProcess(tmp_path / "other", **common)
    await declare(one.settings)
    sender = producer(one.settings)
    await sender.start()
    with one, other:
        async with httpx.AsyncClient() as http, asyncio.timeout(90):
            one.start()
            await one.wait_idle(http)
            other.start()
            while len((await other.health(http) or {}).get("lanes", {})) != 1:
                await asyncio.sleep(0.1)
            other.kill()
            while (health := await one.health(http) or {}).get("recovering") is None or not health["recovering"]:
                await asyncio.sleep(0.1)
            kept, coming = set(health["lanes"]), set(health["recovering"])
            assert (len(kept), len(coming), health["ready"]) == (1, 1, False)
            tick = {"type": "tick", "source": "clock", "at": "2026-11-24T00:00:00Z"}
            for number in (0, 1):
                await sender.send_and_wait(SMS, orjson.dumps(tick), partition=number)
            url = f"http://127.0.0.1:{one.port}/metrics"
            while 'anbu_records_total{topic="sms"} 1.0' not in (await http.get(url)).text:
                await asyncio.sleep(0.1)
            assert set((await one.health(http) or {})["recovering"]) == coming, "it is still being read"
    await sender.stop()


async def test_a_take_over_without_progress_ends_the_worker(place: Place) -> None:
    """This is the first take-over of a worker that has just started."""
    worker = place.worker(LOAD="inf", STALLED_S="8")
    with worker:
        worker.start()
        assert await worker.wait_left() == 70
        assert "lane 0: its take-over makes no progress for" in worker.log.read_text()


async def test_an_input_that_is_not_read_ends_the_worker_while_another_is_read(place: Place) -> None:
    worker = place.worker(HOLD=f"{COMMANDS}:{SMS}:1000000", STALLED_S="8")
    async with place.begun(worker):
        await place.send(worker, (COMMANDS, {"type": "ack"}))
        async with asyncio.timeout(60):
            while (status := worker.left()) is None:
                await place.send(worker, (SMS, {"type": "tick", "source": "clock", "at": "2026-11-24T00:00:00Z"}))
                await asyncio.sleep(0.2)
        assert status == 70
        assert "commands, partition 0: there is input, and position 0 has not moved" in worker.log.read_text()


@pytest.mark.parametrize(("fault", "said"), [("CRASH", "Faust has crashed"), ("START", "the worker could not start")])
async def test_a_crash_of_faust_ends_the_worker_with_status_70(place: Place, fault: str, said: str) -> None:
    worker = place.worker(**{fault: "1"})
    with worker:
        worker.start()
        assert await worker.wait_left() == 70
        assert said in worker.log.read_text()


async def test_a_running_worker_leaves_when_partitions_are_added(place: Place) -> None:
    """No lane would have the people of the new partitions. The worker says so and leaves. The next start names why."""
    worker = place.worker(STALLED_S="10")
    async with place.begun(worker):
        async with administration(worker.settings) as admin:
            await admin.create_partitions({SMS: NewPartitions(2)})
        assert await worker.wait_left() == 70
        assert "partitions [1] have not been assigned for all of" in worker.log.read_text()
        worker.start()
        assert await worker.wait_left() == 2


async def test_a_rebalance_does_not_restart_the_reading_of_a_changelog(place: Place) -> None:
    """Otherwise a lane would never open if rebalances come more often than it takes to read the changelog."""
    first, others = place.worker(SLOW="0.5"), [place.worker(ANBU_SESSION_S="2") for _ in range(2)]
    async with place.begun(others[0]) as http:
        for counter in range(1, 4):
            await place.send(others[0], sos(counter))
            await others[0].wait_idle(http)
        assert others[0].terminate() == 0
        with first, others[1]:
            first.start()
            async with asyncio.timeout(60):
                while not any(((await first.health(http) or {}).get("recovering") or {}).values()):  # percent
                    await asyncio.sleep(0.05)
                others[1].start()
                while (await others[1].health(http) or {}).get("ready") is not True:
                    await asyncio.sleep(0.05)
            await first.wait_idle(http)
            found = await place.verdict(first)
    assert found.problems == []
    assert found.owners == 2, "the first of them, and the one that read slowly, once"


async def test_a_lane_without_a_changelog_is_folded_from_the_beginning_of_the_log(place: Place) -> None:
    """The states of the committed records are lost. The lane is folded again from the beginning of the log."""
    worker = place.worker()
    async with httpx.AsyncClient() as http:
        with worker:
            worker.start()
            await place.send(worker, (REGISTRY, PROFILE), sos(1))
            await worker.wait_idle(http)
            assert worker.terminate() == 0
            async with administration(worker.settings) as admin:
                await admin.delete_topics([changelog(worker.settings)])
            worker.start()
            await worker.wait_idle(http)
            assert "the changelog has no position: folding from 0 on" in worker.log.read_text()
            person = await http.get(f"http://127.0.0.1:{worker.port}/people/7/")
            found = await place.verdict(worker)
    assert (person.status_code, found.problems) == (200, [])
