"""No delivery is sent before its lane is read to the end, unless the broker has been away for a while."""

from types import SimpleNamespace
from typing import Any

from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from agents.notify import BROKER_AWAY_S, LanePositions
from streams.topics import ALERTS


class Broker:
    """ends: by lane; None: it is away."""

    def __init__(self, ends: dict[int, int] | None) -> None:
        self.ends = ends

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        if self.ends is None:
            raise KafkaConnectionError("nobody answers")
        return {tp: self.ends[tp.partition] for tp in tps}


def reading(broker: Broker, clock: list[float], positions: dict[int, int]) -> LanePositions:
    engine: Any = SimpleNamespace(
        lanes=positions, open=True, app=SimpleNamespace(consumer=broker),
        positions=lambda: {TP(ALERTS, lane): offset for lane, offset in positions.items()})
    return LanePositions(engine, lambda: clock[0])


async def test_only_lanes_that_are_read_to_their_end_may_send() -> None:
    assert await reading(Broker({0: 5, 1: 5}), [0.0], {0: 5, 1: 4}).read_to_end() == {0}


async def test_a_broker_that_is_away_holds_nothing_back_for_longer_than_half_a_minute() -> None:
    clock, broker = [0.0], Broker({0: 5, 1: 5})
    one = reading(broker, clock, {0: 5, 1: 4})
    assert await one.read_to_end() == {0}
    # Nobody was to be told for hours, so it was not asked. That it then does not answer once says nothing.
    clock[0], broker.ends = 9999.0, None
    assert await one.read_to_end() == set()
    clock[0] += BROKER_AWAY_S - 1
    assert await one.read_to_end() == set()
    clock[0] += 1
    assert await one.read_to_end() == {0, 1}
    broker.ends = {0: 5, 1: 5}
    assert await one.read_to_end() == {0}
    broker.ends = None
    assert await one.read_to_end() == set()


async def test_two_absences_of_the_broker_are_not_added_up() -> None:
    """The broker was not asked for an hour in between, so the two absences are separate."""
    clock, broker = [0.0], Broker(None)
    one = reading(broker, clock, {0: 5})
    assert await one.read_to_end() == set()
    clock[0] = 3600.0
    assert await one.read_to_end() == set()
    clock[0] += BROKER_AWAY_S - 1
    assert await one.read_to_end() == set()
    clock[0] += 1
    assert await one.read_to_end() == {0}
