"""What is read back of a changelog is what its last `done` left, whatever died in between and whatever was compacted.

The model: workers that write batches and die amid them, successors that take back and redo, and a cleaner that leaves,
of all that is old enough, the last record of each key.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from support.memory_log import Log, LogReader

from streams.engine.changelog import DONE, OWNER, PLAN, BatchPlan, States, load, read

TP = TopicPartition("changelog", 0)


@dataclass
class Model:
    """What must be read back: the states and the position of the last `done`, and the plan after it."""

    log: Log = field(default_factory=lambda: Log(TP.topic))
    states: dict[bytes, bytes | None] = field(default_factory=dict)
    position: int = 0
    plan: BatchPlan | None = None
    hanging: dict[bytes, bytes | None] = field(default_factory=dict)
    count: int = 0
    settled: int = 0

    def batch(self, keys: list[bytes], *, says: bool, dies_after: int | None) -> None:
        """dies_after: so many of its records; None: it lives, and writes them all."""
        start = self.position if self.plan is None else self.plan.start
        plan = BatchPlan("sms", start, start + 1, "1")
        self.count += 1
        states = [(key, b"%d" % self.count if self.count % 5 else None) for key in keys]
        records = [*([(PLAN, plan.packed())] if says else []), *states, (DONE, orjson.dumps({"sms": start + 1}))]
        written = records[:dies_after]
        self.log.write(*written)
        if written == records:
            self.states.update(states)
            self.position, self.plan, self.settled = start + 1, None, self.log.end
        else:
            self.plan = plan if any(key == PLAN for key, _ in written) else self.plan
            self.hanging |= {key: value for key, value in written if key != PLAN}


async def check(model: Model) -> None:
    states = States()
    found = await load(LogReader(model.log), TP, states)
    assert {key: value for key, value in states.items() if value is not None} == {
        key: value for key, value in model.states.items() if value is not None}
    assert found.done.get("sms", 0) == model.position
    assert found.plan == model.plan
    cleaned = len(model.log.records) < model.log.end
    assert found.unfinished == {key: model.states.get(key, value if cleaned else None)
                                for key, value in model.hanging.items()}


async def take_over(model: Model) -> None:
    """As a `StateLane` does: take back what hangs, then redo the plan."""
    model.log.write((OWNER, b"1"))
    await check(model)
    if model.hanging:
        found = await load(LogReader(model.log), TP, States())
        model.log.write(*found.unfinished.items(), (DONE, orjson.dumps({"sms": model.position})))
        model.states |= found.unfinished
        model.hanging, model.settled = {}, model.log.end
        await check(model)
    if model.plan is not None:
        model.batch([b"a", b"b"], says=True, dies_after=None)


keys = st.lists(st.sampled_from([b"a", b"b", b"c", b"\x00lane"]), unique=True, min_size=1)
actions = st.lists(st.one_of(
    st.tuples(st.just("batch"), keys, st.booleans()),
    st.tuples(st.just("dies"), keys, st.booleans(), st.integers(0, 4)),
    st.tuples(st.just("clean"), st.floats(0, 1)),
    st.tuples(st.just("restart"))), max_size=25)


@given(actions)
async def test_a_lane_reads_back_the_states_of_the_last_done(acts: list[tuple[Any, ...]]) -> None:
    model = Model()
    for act in acts:
        if act[0] == "batch":
            model.batch(act[1], says=act[2], dies_after=None)
        elif act[0] == "clean":  # what hangs is too young for it
            model.log.clean(round(act[1] * model.settled))
        elif act[0] == "restart":
            await take_over(model)
        else:
            model.batch(act[1], says=act[2], dies_after=min(act[3], len(act[1]) + act[2]))
            await check(model)
            await take_over(model)
        await check(model)


async def test_states_that_come_before_a_plan_after_compaction_count() -> None:
    """The cleaner leaves only the last `done`."""
    model = Model()
    model.batch([b"a"], says=True, dies_after=None)
    model.batch([b"b"], says=True, dies_after=None)
    model.log.clean(model.log.end)
    assert [record.key for record in model.log.records] == [b"a", PLAN, b"b", DONE]
    await check(model)


async def test_the_only_state_of_a_person_is_kept_though_its_batch_is_unfinished() -> None:
    """No worker ran for longer than the cleaner waits. A state that is one batch too new is better than none."""
    model = Model()
    model.batch([b"a", b"b"], says=True, dies_after=None)
    model.batch([b"a", b"b"], says=True, dies_after=2)  # it died amid states
    model.log.clean(model.log.end)
    states = States()
    found = await load(LogReader(model.log), TP, states)
    assert (states, found.unfinished, found.lost) == ({b"b": b"1"}, {b"a": b"2"}, {b"a"})


async def test_a_new_person_of_an_unfinished_batch_is_removed() -> None:
    model = Model()
    model.batch([b"a"], says=True, dies_after=None)
    model.batch([b"b"], says=True, dies_after=2)
    states = States()
    found = await load(LogReader(model.log), TP, states)
    assert (states, found.unfinished, found.lost) == ({b"a": b"1"}, {b"b": None}, set())


async def test_a_log_that_ends_too_early_raises_an_error() -> None:
    """Otherwise the reader would wait for these records without end."""
    log = Log(TP.topic)
    log.write((b"a", b"1"))
    with pytest.raises(RuntimeError, match="the records before 2 are expected, but the log ends at 1"):
        _ = [record async for record in read(LogReader(log), TP, 0, 2)]
