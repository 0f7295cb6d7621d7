"""Waiting batches are joined: in order, of one topic and one assignment, without gaps, and up to a limit."""

from types import SimpleNamespace
from typing import Any

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.batch import Batch
from streams.engine.lane import GATHERED_RECORDS, SinkLane

POLL = 5000  # at most so many records does one bring
polls = st.lists(st.tuples(st.sampled_from(["sms", "registry"]), st.one_of(st.integers(1, 40), st.integers(1, POLL)),
                           st.booleans(), st.integers(1, 2)), min_size=1, max_size=40)


@given(polls)
async def test_waiting_batches_are_joined(waiting: list[tuple[str, int, bool, int]]) -> None:
    engine: Any = SimpleNamespace()

    async def sink(_: object) -> None: ...

    lane, ends, handed = SinkLane(engine, 0, sink), {"sms": 0, "registry": 0}, []
    for topic, count, gap, generation in waiting:
        start = ends[topic] + gap
        records: Any = [(topic, offset) for offset in range(start, start + count)]
        ends[topic] = start + count
        handed.append(SimpleNamespace(generation_id=generation, value=Batch(TP(topic, 0), start, ends[topic], records)))
        lane.hand_over(handed[-1])
    seen: list[Any] = []
    while len(seen) < len(handed):
        batch, messages = await lane._next()
        seen += messages
        assert {message.generation_id for message in messages} == {messages[0].generation_id}
        assert {message.value.tp for message in messages} == {batch.tp}
        assert list(batch.records) == [record for message in messages for record in message.value.records]
        assert len(batch.records) == batch.end - batch.start, "no gap in it"
        assert len(batch.records) <= max(GATHERED_RECORDS, len(messages[0].value.records))
    assert seen == handed
