"""A long fold comes in slices, so that the event loop turns while one lane folds."""

import asyncio
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from models.contract.documents import Output
from models.judgement.lane import LaneState
from runtime.settings import Settings
from streams.engine.batch import Batch, Folding
from streams.engine.ports import Limits
from streams.engine.state_lane import StateLane

SLICES = 20


def slow(*_: object) -> Iterator[list[Output]]:
    for number in range(SLICES):
        time.sleep(Limits().folded_s * 1.1)
        yield [Output("alerts", b"%d" % number, b"")]


async def test_the_event_loop_turns_between_slices() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    host: Any = SimpleNamespace(settings=Settings.from_env({}), limits=Limits())
    other = asyncio.create_task(turn())
    lane = StateLane(host, 0, Folding(LaneState, slow, "1"))
    outputs = await lane.outputs_of(Batch(TP("sms", 0), 0, 1, ()))
    other.cancel()
    await lane.drop()
    assert [output.key for output in outputs] == [b"%d" % number for number in range(SLICES)]
    assert turns >= SLICES - 1
