"""A worker dies, or stands still past its session, at each point of making a batch durable: nothing is wrong after it.

And the checker is seen to fail: with `none` a worker that comes back writes wrong states; a successor that ignores the
plan says something else under an id that is out already.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from support.one_lane import MOVED, PROFILE, Place, sos
from support.worker import WorkerProcess

from streams.engine.exits import EXIT_SURPRISE
from streams.topics import REGISTRY, SMS

POINTS = ("before_plan", "after_plan", "amid_outputs", "after_outputs", "amid_states", "after_done")
pytestmark = pytest.mark.timeout(150)


async def frozen(worker: WorkerProcess) -> None:
    """Until it stands still."""
    async with asyncio.timeout(60):
        while not worker.stands_still:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at(point: str, place: Place) -> None:
    first, second = place.worker(WOUND=f"{point}:kill:{SMS}"), place.worker(HOLD=f"{SMS}:{REGISTRY}:2")
    async with place.begun(first, second) as http:
        await place.send(first, sos(1))
        assert await first.wait_left() == -signal.SIGKILL
        await place.send(first, sos(2), (REGISTRY, MOVED))
        second.start()
        await second.wait_idle(http)
        found = await place.verdict(second)
    assert found.problems == []
    repeats = {"amid_outputs": 1, "after_outputs": 3, "amid_states": 3}  # report, SOS, and the clock
    assert found.repeats == repeats.get(point, 0)


@pytest.mark.parametrize("point", ["after_plan", "after_outputs", "amid_states"])
async def test_frozen_at(point: str, place: Place) -> None:
    """Past its session, until another has its lane; then it goes on in the middle of its batch, and is refused.

    So it leaves with 70 and with the broker's word for it. To join again with a batch that was not refused would be to
    have written it.
    """
    first, second = place.worker(WOUND=f"{point}:freeze:{SMS}"), place.worker()
    async with _taken_from_the_frozen(place, first, second):
        assert await first.wait_left() == EXIT_SURPRISE
        assert "ProducerFenced" in first.log.read_text()
        found = await place.verdict(second)
    assert found.problems == []


@asynccontextmanager
async def _taken_from_the_frozen(place: Place, first: WorkerProcess, second: WorkerProcess,
                                 ) -> AsyncIterator[httpx.AsyncClient]:
    """first freezes in the middle of a batch, second takes its lane over and goes on; first is woken."""
    async with place.begun(first, second) as http:
        await place.send(first, sos(1))
        await frozen(first)
        second.start()
        await second.wait_idle(http)
        await place.send(second, sos(2), (REGISTRY, MOVED))
        await second.wait_idle(http)
        first.send(signal.SIGCONT)
        yield http


async def test_without_fencing_the_checker_finds_wrong_states(place: Place) -> None:
    place.guarantee = "none"
    first, second = place.worker(WOUND=f"after_outputs:freeze:{SMS}"), place.worker()
    async with _taken_from_the_frozen(place, first, second), asyncio.timeout(60):
        problems: list[str] = []
        while not any("the state of" in one or "done goes back" in one for one in problems):
            await asyncio.sleep(0.2)  # until it has written what it had in hand
            problems = (await place.verdict(second)).problems


async def test_without_the_plan_the_checker_finds_other_bodies(place: Place) -> None:
    first = place.worker(WOUND=f"after_outputs:kill:{SMS}")
    second = place.worker(HOLD=f"{SMS}:{REGISTRY}:2", FORGET="plan")
    async with place.begun(first, second) as http:
        await place.send(first, sos(1))
        assert await first.wait_left() == -signal.SIGKILL
        await place.send(first, (REGISTRY, MOVED))
        second.start()
        await second.wait_idle(http)
        problems = (await place.verdict(second)).problems
    assert any("not expected" in one and "7:sos:0.1.1/1" in one for one in problems), problems


async def test_a_writer_is_renewed_between_two_batches(place: Place) -> None:
    """The new writer has the same name, so the broker fences the old one. No record is lost or written twice."""
    worker = place.worker(RENEW_S="0.5")
    async with place.begun(worker) as http:
        for counter in range(1, 6):
            await asyncio.sleep(0.6)
            await place.send(worker, sos(counter))
            await worker.wait_idle(http)
        assert worker.terminate() == 0
        found = await place.verdict(worker)
    assert (found.problems, found.repeats) == ([], 0)
    assert found.owners >= 4


async def test_a_plan_after_a_batch_without_effect_is_folded_again(place: Place) -> None:
    """No durable record mentions the batch before the plan. The successor still folds the batch of the plan first."""
    zero, first = place.worker(), place.worker(WOUND=f"after_outputs:kill:{SMS}", UNCOMMITTED="1")
    second = place.worker(HOLD=f"{SMS}:{REGISTRY}:2")
    async with place.begun(zero, first, second) as http:
        await place.send(zero, sos(1))
        await zero.wait_idle(http)
        assert zero.terminate() == 0
        first.start()
        await place.send(first, sos(1))  # once more: nothing comes of it
        await first.wait_idle(http)
        await place.send(first, sos(2))
        assert await first.wait_left() == -signal.SIGKILL
        await place.send(first, (REGISTRY, MOVED))
        second.start()
        await second.wait_idle(http)
        assert "folding the unfinished batch of sms (2 to before 3) again" in second.log.read_text()
        found = await place.verdict(second)
    assert found.problems == []


async def test_a_writer_is_renewed_after_a_batch_without_effect(place: Place) -> None:
    """No durable record mentions that batch: the lane resumes from its position in memory."""
    worker = place.worker(RENEW_S="2", UNCOMMITTED="1")
    async with place.begun(worker) as http:
        await place.send(worker, (REGISTRY, PROFILE), sos(1), sos(1))
        await worker.wait_idle(http)
        await place.send(worker, sos(1))
        await worker.wait_idle(http)
        await asyncio.sleep(2)
        await place.send(worker, sos(2))
        await worker.wait_idle(http)
        assert "renewing its writer" in worker.log.read_text()
        found = await place.verdict(worker)
    assert (found.problems, found.repeats) == ([], 0)


async def test_a_leader_that_saw_no_topics_asks_again(place: Place) -> None:
    worker = place.worker(BLIND="8")
    async with httpx.AsyncClient() as http:
        with worker:
            worker.start()
            await place.send(worker, (REGISTRY, PROFILE), sos(1))
            await worker.wait_idle(http)
            assert "Ignoring missing topic: 'sms'" in worker.log.read_text()
            found = await place.verdict(worker)
    assert (found.problems, found.repeats) == ([], 0)


async def test_a_worker_that_cannot_stop_leaves_after_a_limit(place: Place) -> None:
    """The client of the broker never ends here, and the worker leaves all the same."""
    worker = place.worker(STAY="1", LEFT_S="1")
    async with httpx.AsyncClient() as http:
        with worker:
            worker.start()
            await worker.wait_idle(http)
            worker.send(signal.SIGTERM)
            assert await worker.wait_left() == 70
            assert "graceful shutdown did not finish within 1 s" in worker.log.read_text()


async def test_records_that_a_poll_brought_to_no_lane_are_read_again(place: Place) -> None:
    """No later record follows here that would show the gap."""
    first, second = place.worker(), place.worker(STRAY="1")
    async with place.begun(first, second) as http:
        assert first.terminate() == 0
        await place.send(second, sos(1), sos(2))
        second.start()
        await second.wait_idle(http)
        assert "lost: 2" in second.log.read_text()
        found = await place.verdict(second)
    assert (found.problems, found.repeats) == ([], 0)


@pytest.mark.parametrize(("act", "said"), [("hang", "there is input, and position 0 has not moved"),
                                           ("block", "the event loop has not turned")])
async def test_a_worker_without_progress_leaves_and_logs_why(place: Place, act: str, said: str) -> None:
    worker = place.worker(WOUND=f"after_plan:{act}:{SMS}", STALLED_S="6")
    async with place.begun(worker):
        await place.send(worker, sos(1))
        assert await worker.wait_left() == 70
        assert said in worker.log.read_text()
