"""A lane resumes after the last durable record. If its next records were deleted, the process ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.broker import GUARANTEE, a_broker

from models.judgement.lane import LaneState
from runtime.settings import Settings
from streams.engine.batch import Folding
from streams.engine.changelog import reader
from streams.engine.lane import Lane, SinkLane
from streams.engine.ports import Limits
from streams.engine.state_lane import StateLane
from streams.kafka import producer
from streams.topics import ALERTS, declare


class Reader:
    """All that a lane asks of it: from where to where a log goes."""

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last

    async def beginning_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, self._first)

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, self._last)

    async def offsets_for_times(self, times: dict[Any, int]) -> dict[Any, None]:
        return dict.fromkeys(times)


@asynccontextmanager
async def a_lane(kind: type[Lane], committed: int | None, *, begin_at_end: bool = False,
                 inputs: tuple[str, ...] = ("sms",), read_first: str | None = None,
                 **variables: str) -> AsyncIterator[Any]:
    async def answer(_: object) -> int | None:
        return committed

    engine: Any = SimpleNamespace(settings=Settings.from_env(variables), inputs=inputs, committed=answer,
                                  begin_at_end=begin_at_end, began_ms=int(time.time() * 1000), read_first=read_first,
                                  limits=Limits())

    async def sink(_: object) -> None: ...

    folding = Folding(LaneState, lambda *_: (), "1")
    lane = StateLane(engine, 0, folding) if kind is StateLane else SinkLane(engine, 0, sink)
    yield lane
    await lane.drop()


@pytest.mark.parametrize(("done", "committed", "start"), [
    (5, None, 5),
    (5, 4, 5),  # it died before the commit
    (5, 7, 5),  # two records had no effect, or the changelog was lost and somebody began anew: nobody can tell
    (1, 3, 3),  # but what is not there any more had none
    (None, None, 2),
    (None, 7, 2),  # a changelog that was lost: the group's commit says what was read, not what was kept
])
async def test_a_state_lane_resumes_from_its_done(done: int | None, committed: int | None, start: int) -> None:
    async with a_lane(StateLane, committed) as lane:
        lane._done = {} if done is None else {"sms": done}
        await lane.find_positions(Reader(2, 9))
        assert lane.next == {"sms": start}


@pytest.mark.parametrize(("committed", "at_end", "start"), [(5, False, 5), (5, True, 5), (None, False, 2),
                                                            (None, True, 9)])
async def test_a_sink_lane_resumes_from_the_groups_commit(committed: int | None, start: int, *, at_end: bool) -> None:
    async with a_lane(SinkLane, committed, begin_at_end=at_end) as lane:
        await lane.find_positions(Reader(2, 9))
        assert lane.next == {"sms": start}


async def test_records_that_arrive_during_the_start_are_read(tmp_path: Path) -> None:
    """`watch` starts at the same time, and may write alerts before `notify` has started."""
    with a_broker(tmp_path) as broker:
        variables = {"ANBU_KAFKA": broker.address, "ANBU_PARTITIONS": "1", "ANBU_GUARANTEE": GUARANTEE}
        settings = Settings.from_env(variables)
        await declare(settings)
        sender = producer(settings)
        await sender.start()
        await sender.send_and_wait(ALERTS, b"of yesterday", partition=0)
        await asyncio.sleep(0.1)  # records bear milliseconds
        async with (a_lane(SinkLane, None, begin_at_end=True, inputs=(ALERTS,), **variables) as lane,
                    reader(settings) as one):
            await lane.find_positions(one)
            assert lane.next == {ALERTS: 1}
            await sender.send_and_wait(ALERTS, b"of just now", partition=0)
            await lane.find_positions(one)
            assert lane.next == {ALERTS: 1}
        await sender.stop()


@pytest.mark.parametrize(("kind", "done"), [(StateLane, 1), (StateLane, 10), (SinkLane, 1), (SinkLane, 10)])
async def test_deleted_records_raise_an_error(kind: type[Lane], done: int) -> None:
    async with a_lane(kind, done) as lane:
        lane._done = {"sms": done}
        with pytest.raises(RuntimeError, match=f"the next record is {done}, but the log has 2 to 9"):
            await lane.find_positions(Reader(2, 9))


@pytest.mark.parametrize("kind", [StateLane, SinkLane])
async def test_with_accepted_loss_a_lane_resumes_after_deleted_records(kind: type[Lane]) -> None:
    """A position past the end of a recreated topic still raises an error: its offsets mean nothing."""
    for done, start in ((1, 2), (5, 5)):
        async with a_lane(kind, done, ANBU_ACCEPT_LOSS="true") as lane:
            lane._done = {"sms": done}
            await lane.find_positions(Reader(2, 9))
            assert lane.next == {"sms": start}
    async with a_lane(kind, 10, ANBU_ACCEPT_LOSS="true") as lane:
        lane._done = {"sms": 10}
        with pytest.raises(RuntimeError, match="created again"):
            await lane.find_positions(Reader(2, 9))


@pytest.mark.parametrize(("done", "wanted"), [
    ({}, ["registry"]),
    ({"registry": 5, "sms": 2}, ["registry"]),  # it died before all were known
    ({"registry": 9, "sms": 2}, ["sms", "registry"]),
    ({"registry": 5, "sms": 3}, ["sms", "registry"]),  # something has been said: now they take turns
])
async def test_a_new_lane_reads_the_registry_before_the_other_inputs(done: dict[str, int], wanted: list[str]) -> None:
    async with a_lane(StateLane, None, inputs=("sms", "registry"), read_first="registry") as lane:
        lane._done = done
        await lane.find_positions(Reader(2, 9))
        assert list(lane.wanted) == wanted
        lane.go_past("registry", 9)
        assert list(lane.wanted) == ["sms", "registry"]
