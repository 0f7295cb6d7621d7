"""The dead man's switch: its URL is requested while people are judged, and is not requested otherwise."""

import asyncio
from collections.abc import Sequence

import pytest
from support.endpoint import Answer, Endpoint
from support.page import StoppedClock

from agents.deadman import Deadman, LaneActivity, advancing
from models.figures import UNWATCHED_S

NOW = 1_000_000


@pytest.mark.parametrize(("before", "after", "lanes", "expected"), [
    ({}, {}, [0], set()),
    ({}, {0: LaneActivity(NOW, 1)}, [0], {0}),
    ({}, {0: LaneActivity(NOW - UNWATCHED_S, 1)}, [0], {0}),
    ({}, {0: LaneActivity(NOW - UNWATCHED_S - 1, 1)}, [0], set()),                           # it lags
    ({0: LaneActivity(NOW - 60, 1)}, {0: LaneActivity(NOW, 2)}, [0], {0}),
    ({0: LaneActivity(NOW - 60, 1)}, {0: LaneActivity(NOW - 60, 9)}, [0], set()),             # SMS, but no ticks
    ({0: LaneActivity(NOW, 1)}, {0: LaneActivity(NOW, 1)}, [0], set()),                       # it hangs
    # Lane 1 belongs to another worker now.
    ({0: LaneActivity(NOW - 60, 1)}, {0: LaneActivity(NOW, 2), 1: LaneActivity(NOW, 1)}, [0], {0}),
    ({}, {0: LaneActivity(NOW, 1)}, [0, 1], {0})])
def test_a_lane_advances_when_its_judgement_does(before: dict[int, LaneActivity], after: dict[int, LaneActivity],
                                                 lanes: list[int], expected: set[int]) -> None:
    assert advancing(before, after, lanes, NOW) == expected


async def listening(url: str, lanes: Sequence[int], judged: Sequence[int], times: int = 30) -> None:
    """Judge the given lanes for a while."""
    clock = StoppedClock(NOW)
    deadman = Deadman(url, clock, every_s=0.02)
    task = asyncio.create_task(deadman.run(lambda: lanes))
    for _ in range(times):
        clock.at += 5
        for lane in judged:
            deadman.applied(lane, int(clock.at))
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_url_is_requested_while_all_lanes_are_judged() -> None:
    with Endpoint(Answer(500)) as outside:  # whatever it answers
        await listening(f"{outside.url}/ping", [0, 1], [0, 1])
        assert {request.path for request in outside.requests} == {"/ping"}
        assert len(outside.requests) > 1


@pytest.mark.parametrize(("lanes", "judged"), [([0, 1], [0]), ([0], []), ([], [0])])
async def test_the_url_is_not_requested_while_a_lane_is_not_judged(lanes: list[int], judged: list[int]) -> None:
    with Endpoint() as outside:
        await listening(f"{outside.url}/ping", lanes, judged)
        assert outside.requests == []


async def test_each_lane_may_have_a_url_of_its_own() -> None:
    with Endpoint() as outside:
        await listening(f"{outside.url}/ping/{{lane}}", [0, 1, 2], [0, 2])
        assert {request.path for request in outside.requests} == {"/ping/0", "/ping/2"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://127.0.0.1:99999/", "http://127.0.0.1/\n"])
async def test_a_url_that_does_not_answer_does_not_stop_the_worker(url: str) -> None:
    """The worker goes on judging, and the switch goes on requesting, whatever the address is."""
    deadman = Deadman(url, StoppedClock(NOW), every_s=0.01)
    task = asyncio.create_task(deadman.run(lambda: [0]))
    for second in range(10):
        deadman.applied(0, NOW + second)
        await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_lane_without_a_tick_does_not_count_as_judged() -> None:
    deadman = Deadman("http://127.0.0.1:9/", StoppedClock(NOW))
    deadman.applied(0, None)
    assert deadman._judged == {}
