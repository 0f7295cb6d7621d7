"""A lane that makes no progress is detected, and a healthy lane is not ended, whatever its clients do."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.util import commit_structure_validate
from faust.types import TP

from models.judgement.lane import LaneState
from runtime.settings import Settings
from streams.engine import state_lane, watchdog
from streams.engine.batch import Batch, Folding
from streams.engine.changelog import BatchPlan
from streams.engine.lane import SinkLane
from streams.engine.ports import Limits, Sink
from streams.engine.state_lane import StateLane
from streams.engine.transport import ConsumerThread

ALERTS = TP("alerts", 0)


class Died(BaseException):
    """What `die` does here instead of leaving."""


def an_engine(**more: Any) -> Any:
    def die(why: str, error: BaseException | None = None) -> None:
        raise Died(why) from error

    return SimpleNamespace(settings=Settings.from_env({}), inputs=("alerts",), read_first=None, die=die, torn=set(),
                           open=True, quiesced=1, opening_lanes={}, forget=lambda _: None, current=lambda _: True,
                           applied=lambda *_: None, limits=Limits(), **more)


def a_message() -> Any:
    return SimpleNamespace(generation_id=1, value=Batch(ALERTS, 0, 1, [SimpleNamespace(offset=0)]))


async def a_sink_lane(engine: Any, sink: Sink) -> SinkLane:
    lane = SinkLane(engine, 0, sink)
    lane.next = {"alerts": 0}
    lane._task = asyncio.create_task(lane._run())
    lane.waiting = 1
    lane.hand_over(a_message())
    return lane


async def test_an_unexpected_cancellation_of_a_lane_is_reported() -> None:
    async def sink(_: Sequence[ConsumerRecord]) -> None:
        raise asyncio.CancelledError  # of a future of some client that was closed

    lane = await a_sink_lane(an_engine(), sink)
    assert lane._task is not None
    with pytest.raises(Died, match="a call that it waited for was cancelled"):
        await lane._task


async def test_an_expected_cancellation_ends_only_the_lane() -> None:
    began = asyncio.Event()

    async def sink(_: Sequence[ConsumerRecord]) -> None:
        began.set()
        await asyncio.Event().wait()

    lane = await a_sink_lane(an_engine(), sink)
    await began.wait()
    assert lane._task is not None
    lane.break_off()
    with pytest.raises(asyncio.CancelledError):
        await lane._task
    assert (lane.valid, lane.next) == (False, {"alerts": 0})


async def test_a_patient_lane_is_watched_unless_it_waits_for_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane may wait for its database. Fetched records that never reach the lane still count as no progress."""
    async def sink(_: Sequence[ConsumerRecord]) -> None: ...

    engine = an_engine()
    lane = SinkLane(engine, 0, sink)
    lane.next, lane.waiting = {"alerts": 0}, 1
    engine.lanes, engine.positions = {0: lane}, lambda: {ALERTS: 0}

    async def end_offsets(tps: Sequence[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, 1)

    @asynccontextmanager
    async def reader(_: Settings) -> Any:
        yield SimpleNamespace(end_offsets=end_offsets)

    monkeypatch.setattr(watchdog, "reader", reader)
    assert list(await watchdog.to_move(engine, engine.settings, 10)) == [
        "alerts, partition 0: there is input, and position 0 has not moved"]
    lane.idle.clear()
    assert await watchdog.to_move(engine, engine.settings, 10) == {}


async def test_a_record_in_the_hand_of_a_sink_is_not_committed() -> None:
    """A crash would lose the record. The lane continues all the same, because other records must not wait for it."""
    async def sink(_: Sequence[ConsumerRecord]) -> None: ...

    held: dict[str, int] = {}
    lane = SinkLane(an_engine(), 0, sink, {0: held}.__getitem__)
    lane.next = {"alerts": 5}
    assert lane.to_commit == {"alerts": 5}
    held["alerts"] = 3
    assert (lane.committable, lane.to_commit) == ({"alerts": 5}, {"alerts": 3})
    held["alerts"] = 5
    assert lane.to_commit == {"alerts": 5}


async def test_a_commit_after_all_lanes_have_gone_is_no_error() -> None:
    """Another thread may remove the lanes after their positions were collected and before the commit."""
    surprises: list[BaseException] = []
    committed: list[Any] = []
    assigned: set[TP] = set()

    async def commit(offsets: Any) -> None:
        committed.append(commit_structure_validate(offsets))

    async def crash(error: BaseException) -> None:
        surprises.append(error)

    thread: Any = ConsumerThread.__new__(ConsumerThread)
    thread._consumer = SimpleNamespace(assignment=lambda: assigned, commit=commit)
    thread.crash, thread.tp_last_committed_at = crash, {}
    assert await thread._commit({ALERTS: 5}) is False
    assert (committed, surprises) == ([], [])
    assigned.add(ALERTS)
    assert await thread._commit({ALERTS: 5}) is True
    assert [{tuple(tp): one.offset for tp, one in offsets.items()} for offsets in committed] == [{("alerts", 0): 5}]


async def test_a_missing_record_of_an_unfinished_batch_is_logged(monkeypatch: pytest.MonkeyPatch,
                                                                 caplog: pytest.LogCaptureFixture) -> None:
    applied: list[Batch] = []
    lane = StateLane(an_engine(), 0, Folding(LaneState, lambda *_: (), "1"))
    lane.next = {"registry": 3}

    async def read(*_: Any) -> Any:
        yield SimpleNamespace(offset=4)

    async def apply(batch: Batch) -> None:
        applied.append(batch)

    monkeypatch.setattr(state_lane, "read", read)
    monkeypatch.setattr(lane, "apply", apply)
    await lane._redo(SimpleNamespace(), BatchPlan("registry", 3, 6, "1"))
    await lane.drop()
    assert [(batch.start, batch.end, len(batch.records)) for batch in applied] == [(3, 6, 1)]
    assert "3 offsets are of the unfinished batch, and 2 of them have no record any more" in caplog.text
