"""The order in which a lane writes its batches, and the writes that it joins if another batch waits."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from runtime.settings import Settings
from streams.engine import state_lane
from streams.engine.batch import Batch, Folding
from streams.engine.changelog import DONE, PLAN
from streams.engine.ports import Limits
from streams.engine.state_lane import StateLane

TOPICS = ("sms", "registry")


class Writes:
    """A writer that notes what it is given in one go, and lets others have a turn."""

    def __init__(self) -> None:
        self.made: list[list[str]] = []

    async def write(self, _: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        names = {PLAN: "plan", DONE: "done"}
        self.made.append([names.get(key, "state") for key, _ in records])
        await asyncio.sleep(0)

    async def write_outputs(self, outputs: Iterable[str]) -> None:
        self.made.append(list(outputs))
        await asyncio.sleep(0)


class Touched:
    """A state that each record touches once. Its summary tells how many have."""

    def __init__(self) -> None:
        self.seen = self.told = 0

    def take_touched(self) -> list[tuple[bytes, bytes | None]]:
        touched: list[tuple[bytes, bytes | None]] = [(b"%d" % number, b"") for number in range(self.told, self.seen)]
        self.told = self.seen
        return touched

    def summary(self) -> int:
        return self.seen


def fold(state: Touched, records: Sequence[str]) -> Iterator[list[str]]:
    """`a` says `out of a` and touches; `-` touches and says nothing."""
    for record in records:
        state.seen += 1
        yield [] if record == "-" else [f"out of {record}"]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Writes:
    made = Writes()
    monkeypatch.setattr(state_lane, "Writer", lambda *_: made)
    return made


async def apply(*batches: tuple[str, str], at_once: bool) -> list[tuple[str, int]]:
    """Hand over (topic, record) each. What was called durable: the record, and what the state told of itself then."""
    durable: list[tuple[str, int]] = []

    def applied(lane: StateLane, batch: Any, _: object) -> None:
        durable.append((batch.records[0], lane.durable))

    def die(why: str, error: BaseException | None = None) -> None:
        raise AssertionError(why) from error

    make: Any = Folding  # outputs are plain values here
    folding = make(lambda _: Touched(), fold, "1")
    engine: Any = SimpleNamespace(
        settings=Settings.from_env({}), inputs=TOPICS, changelog="log", die=die, limits=Limits(),
        applied=applied, forget=lambda _: None, current=lambda _: True)
    lane = StateLane(engine, 0, folding)
    lane.state, lane.next = Touched(), dict.fromkeys(TOPICS, 0)
    task = asyncio.create_task(lane._run())
    for topic, record in batches:
        lane.idle.clear()
        batch = Batch(TP(topic, 0), lane.next[topic], lane.next[topic] + 1, [record])
        lane.hand_over(SimpleNamespace(generation_id=1, value=batch))
        if not at_once:
            await lane.idle.wait()
    await lane.idle.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert lane._done == lane.next
    return durable


async def test_a_batch_without_a_successor_is_settled_at_once(writes: Writes) -> None:
    durable = await apply(("sms", "a"), ("registry", "b"), at_once=False)
    assert writes.made == [["plan"], ["out of a"], ["state", "done"], ["plan"], ["out of b"], ["state", "done"]]
    assert durable == [("a", 1), ("b", 2)]


async def test_the_plan_of_a_waiting_batch_is_written_with_the_states_before_it(writes: Writes) -> None:
    """No batch counts as durable before its states are written, although the next batch is already folded."""
    durable = await apply(("sms", "a"), ("registry", "b"), at_once=True)
    assert writes.made == [["plan"], ["out of a"], ["state", "done", "plan"], ["out of b"], ["state", "done"]]
    assert durable == [("a", 1), ("b", 2)]


async def test_a_batch_without_outputs_has_no_plan(writes: Writes) -> None:
    """It still has a `done`, which shows the order in which the topics were read."""
    await apply(("sms", "a"), ("registry", "-"), at_once=True)
    assert writes.made == [["plan"], ["out of a"], ["state", "done"], ["state", "done"]]
