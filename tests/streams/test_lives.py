"""Lanes that end at any turn of the event loop: no record is lost, none counts twice, no id has two bodies.

A seed decides everything. A lane is cancelled, killed, broken off by a rebalance, or renewed. It may also be left
behind: it freezes, another lane takes its place, and it wakes up. Records that it had sent may arrive after its end,
and a cleaner compacts the changelog. The checker is tested too: it must find a lane that does not fold a plan again or
does not take back states, and a broker that refuses no former writer.
"""

import pytest
from support.fake_broker import FakeWriter
from support.lives import LaneDied, problems

from streams.engine.state_lane import StateLane


@pytest.mark.parametrize("seed", range(100))
async def test_no_record_is_lost_or_doubled_whatever_ends_a_lane(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await problems(seed, monkeypatch) == []


async def _nothing(*_: object) -> None:
    """Instead of what a lane or a broker should do."""


@pytest.mark.parametrize("name", ["_redo", "_take_back", "check"])
async def test_the_checker_finds_a_lane_that_skips_a_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWriter if name == "check" else StateLane, name, (lambda _: None) if name == "check" else
                        _nothing)
    for seed in range(1000):
        try:
            if await problems(seed, monkeypatch):
                return
        except LaneDied:  # a lane that reads `done` go back leaves
            return
    pytest.fail("nothing was found")
