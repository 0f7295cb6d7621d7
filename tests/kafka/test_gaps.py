"""Offsets without a record: a lane skips them if no record is lost. Otherwise the worker reports the loss."""

import asyncio
import re
import signal
from typing import Any

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from support.one_lane import PROFILE, Place, sos

from cli.broker import Writable, write
from models.judgement.fold import CODE
from runtime.settings import Settings
from streams.kafka import administration, kafka_options
from streams.topics import REGISTRY, REPORTS, SMS

pytestmark = pytest.mark.timeout(150)


class Aborted(Exception):
    """The producer aborts its transaction."""


async def in_a_transaction(settings: Settings, *lines: tuple[str, dict[str, Any]], abort: bool = False) -> None:
    """Write as a foreign producer may: the log ends with a marker. abort: the transaction is aborted."""
    sender = AIOKafkaProducer(**kafka_options(settings), transactional_id="gateway")
    await sender.start()
    try:
        async with sender.transaction():
            for topic, value in lines:
                await sender.send_and_wait(topic, orjson.dumps(value), key=b"7", partition=0)
            if abort:
                raise Aborted
    finally:
        await sender.stop()


async def test_the_records_of_an_aborted_transaction_count(place: Place) -> None:
    """Inputs are read uncommitted (docs/integrate.md). The report counts, and the second one is a repeat."""
    worker = place.worker()
    async with place.begun(worker) as http:
        with pytest.raises(Aborted):
            await in_a_transaction(worker.settings, sos(1), abort=True)
        await worker.wait_idle(http)
        await in_a_transaction(worker.settings, sos(1))
        await worker.wait_idle(http)
        found = await place.verdict(worker)
    assert (found.problems, found.repeats) == ([], 0)
    assert [one.value and one.value["id"] for one in found.said if one.topic == REPORTS] == ["0.1.1"]


async def delete_records(settings: Settings, topic: str, before: int) -> None:
    async with administration(settings) as admin:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=before)})


async def test_a_transaction_marker_at_the_end_of_a_log_does_not_stall_a_lane(place: Place) -> None:
    """Otherwise the watchdog would end the worker again and again, because a position makes no progress."""
    worker = place.worker(STALLED_S="15")  # longer than a group's first members wait for each other
    async with place.begun(worker) as http:
        for counter in (1, 2):
            await in_a_transaction(worker.settings, sos(counter))
            await worker.wait_idle(http)
        await asyncio.sleep(20)
        assert worker.left() is None
        await place.send(worker, sos(3))
        await worker.wait_idle(http)
        found = await place.verdict(worker)
    assert (found.problems, found.repeats) == ([], 0)


async def test_a_lane_that_is_always_busy_goes_past_a_transaction_marker(place: Place) -> None:
    """The lane is never idle. The watchdog must not end a worker that makes progress."""
    worker = place.worker(STALLED_S="25", FOLD_S="0.4")
    async with place.begun(worker) as http:
        async def traffic() -> None:
            for _ in range(1000):
                await write([Writable(SMS, 0, b"7", b"{}")], worker.settings)
                await asyncio.sleep(0.1)  # four for each batch

        busy = asyncio.create_task(traffic())
        await asyncio.sleep(1)
        await in_a_transaction(worker.settings, (REGISTRY, PROFILE))
        await asyncio.sleep(35)
        busy.cancel()
        assert worker.left() is None
        await place.send(worker, sos(1))
        await worker.wait_idle(http)
        found = await place.verdict(worker)
    assert (found.problems, found.repeats) == ([], 0)


async def test_a_running_worker_leaves_when_unread_records_are_deleted(place: Place) -> None:
    """The worker leaves and names the offsets. It never resumes after the gap."""
    worker = place.worker(ANBU_SESSION_S="20")
    async with place.begun(worker):
        worker.send(signal.SIGSTOP)
        await place.send(worker, sos(1))  # the answer to the fetch that was waiting for it
        await place.send(worker, sos(2), sos(3))
        await delete_records(worker.settings, SMS, 2)
        worker.send(signal.SIGCONT)
        assert await worker.wait_left() == 70
        # From 0 where even that answer came too late.
        assert re.search("from [01] on were deleted before they were read", worker.log.read_text())


async def test_a_worker_does_not_start_when_unread_records_were_deleted(place: Place) -> None:
    worker = place.worker()
    async with httpx.AsyncClient() as http:
        with worker:
            worker.start()
            await place.send(worker, (REGISTRY, PROFILE), sos(1))
            await worker.wait_idle(http)
            assert worker.terminate() == 0
            await place.send(worker, sos(2), sos(3))
            await delete_records(worker.settings, SMS, 2)
            worker.start()
            assert await worker.wait_left() == 70
            assert "the next record is 1, but the log has 2 to 3" in worker.log.read_text()


async def test_the_plan_of_another_version_is_folded_again_and_logged(place: Place) -> None:
    first, second = place.worker(WOUND=f"after_plan:kill:{SMS}"), place.worker(CODE="another")
    async with place.begun(first, second) as http:
        await place.send(first, sos(1))
        await first.wait_left()
        second.start()
        await second.wait_idle(http)
        found = await place.verdict(second)
    assert f"code {CODE} folded the unfinished batch, and this is code another" in second.log.read_text()
    assert (found.problems, found.repeats) == ([], 0)
