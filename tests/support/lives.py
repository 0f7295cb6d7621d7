"""A lane that lives and dies by a seed, and a check of what is left after many lives. The broker is in memory."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from faust.types import TP

from streams.engine import lane as lane_module
from streams.engine import state_lane
from streams.engine.batch import Batch, Folding
from streams.engine.changelog import States, load
from streams.engine.ports import Limits
from streams.engine.state_lane import StateLane
from support.fake_broker import LOG, SETTINGS, TOPICS, FakeWriter, Fenced, Said, World
from support.memory_log import LogReader

FOREVER = 1_000_000


class LaneDied(BaseException):
    """Raised by `die`, which would end the process in a worker."""


class Revisions:
    """The state of each key: how often a record touched it, and a digest of these records in order."""

    def __init__(self, _: int) -> None:
        self.of: dict[bytes, bytes] = {}
        self._touched: set[bytes] = set()

    def restore(self, key: bytes, value: bytes) -> None:
        self.of[key] = value

    def kept(self, key: bytes) -> bytes | None:
        return self.of.get(key)

    def ready(self) -> None: ...

    def summary(self) -> None: ...

    def take_touched(self) -> list[tuple[bytes, bytes | None]]:
        touched, self._touched = sorted(self._touched), set()
        return [(key, self.of[key]) for key in touched]

    def fold(self, record: ConsumerRecord[bytes, bytes]) -> list[Said]:
        key, value = record.key, record.value
        assert key is not None
        assert value is not None
        if value.startswith(b"n"):
            return []
        revision, before = orjson.loads(self.of[key])
        said = key, revision + 1, hashlib.sha256(before.encode() + record.topic.encode() + value).hexdigest()
        self.of[key] = orjson.dumps(said[1:])
        self._touched.add(key)
        return [said] if value.startswith(b"o") else []


def fold(state: Revisions, records: Sequence[ConsumerRecord[bytes, bytes]]) -> Iterator[list[Said]]:
    return (state.fold(one) for one in records)


def a_lane(world: World) -> tuple[StateLane, asyncio.Event]:
    gate = asyncio.Event()
    gate.set()

    async def wait_open() -> None:
        while not gate.is_set():
            await gate.wait()

    def die(why: str, error: BaseException | None = None) -> None:
        raise LaneDied(why) from error

    make: Any = Folding  # outputs are plain values here
    folding = make(Revisions, fold, "1")
    engine: Any = SimpleNamespace(
        settings=SETTINGS, inputs=TOPICS, changelog=LOG, begin_at_end=False, read_first=None,
        limits=Limits(folded_s=-1.0), committed=world.committed_of, wait_open=wait_open, die=die,
        applied=lambda *_: None, forget=lambda _: None, current=lambda _: True)
    return StateLane(engine, 0, folding), gate


async def end(lane: StateLane, task: asyncio.Task[None], *, kill: bool) -> None:
    lane.writer.dead |= kill  # type: ignore[attr-defined]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await lane.drop()


def hand_over(world: World, lane: StateLane, count: int) -> bool:
    """Hand over up to `count` batches of random topics at once. Returns whether there were any."""
    handed = False
    for _ in range(count):
        waiting = [topic for topic in TOPICS if lane.fetched[topic] < world.logs[topic].end]
        if not waiting:
            break
        topic = world.chance.choice(waiting)
        start = lane.fetched[topic]
        stop = lane.fetched[topic] = world.chance.randint(start + 1, min(start + 4, world.logs[topic].end))
        records = [one for one in world.logs[topic].records if start <= one.offset < stop]
        lane.hand_over(SimpleNamespace(generation_id=1, value=Batch(TP(topic, 0), start, stop, records)))
        handed = True
    return handed


async def live(world: World, *, last: bool = False) -> StateLane | None:
    """A lane is taken over, gets some batches, and ends in a random way. last: it gets all batches.

    Returns None if a lane that was left behind woke in the middle of the renewal of its writer, and shut this lane out:
    a worker leaves then.
    """
    try:
        return await _live(world, last=last)
    except (Fenced, LaneDied) as error:
        if not (world.left_behind and isinstance(error.__cause__ or error, Fenced)):
            raise
    return None


async def _live(world: World, *, last: bool) -> StateLane:
    chance, (lane, gate) = world.chance, a_lane(world)
    opening = asyncio.create_task(lane.take_over())
    turns = FOREVER if last or chance.random() < 0.5 else chance.randint(0, 100)
    while not opening.done():
        if not turns:
            await end(lane, opening, kill=chance.random() < 0.5)
            return lane
        if not lane.loading_changelog and chance.random() < 0.02:
            gate.clear()
        elif chance.random() < 0.3:
            gate.set()
        await asyncio.sleep(0)
        turns -= 1
    gate.set()
    opening.result()
    task = lane._task
    assert task is not None
    for _ in range(FOREVER if last else chance.randint(1, 6)):
        if not hand_over(world, lane, chance.randint(1, 3)):
            break
        lane._renew_at = 0.0 if not last and chance.random() < 0.1 else lane._renew_at
        turns = FOREVER if last or chance.random() < 0.6 else chance.randint(0, 14)
        while turns and not task.done() and (lane.next != lane.fetched or not lane.idle.is_set()):
            await asyncio.sleep(0)
            turns -= 1
        if task.done():
            task.result()
        if not turns:
            match chance.choice(["kill", "break off", "leave behind"]):
                case "kill":
                    await end(lane, task, kill=True)
                case "break off":
                    lane.drop_waiting()
                    lane.break_off()
                    while lane.valid and not lane.idle.is_set():
                        await asyncio.sleep(0)
                    await end(lane, task, kill=False)
                case _:
                    world.left_behind.append(task)
            return lane
        if chance.random() < 0.5:
            world.committed |= lane.next
    await end(lane, task, kill=False)
    return lane


async def problems(seed: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the problems that are found after many lives."""
    world = World(seed)
    monkeypatch.setattr(lane_module, "reader", world.reader)
    monkeypatch.setattr(state_lane, "Writer", lambda *_: FakeWriter(world))
    for _ in range(world.chance.randint(1, 25)):
        world.happen(world.chance.randint(0, 5))
        if world.chance.random() < 0.3:
            world.clean()
        await live(world)
    while (lane := await live(world, last=True)) is None:
        pass
    for task in world.left_behind:
        task.cancel()
    await asyncio.gather(*world.left_behind, return_exceptions=True)

    bodies = {(key, revision): body for key, revision, body in world.said}
    found = [f"another body: {key!r} {revision}" for key, revision, body in world.said
             if bodies[key, revision] != body]
    touched = Counter(one.key for topic in TOPICS for one in world.logs[topic].records if one.value[:1] in b"os")
    told = Counter(one.key for topic in TOPICS for one in world.logs[topic].records if one.value[:1] == b"o")
    states = {key: orjson.loads(value)[0] for key, value in lane.state.of.items()}
    found += [f"{key!r} counts {states[key]}, not {touched[key]}" for key in states if states[key] != touched[key]]
    if Counter(key for key, _ in bodies) != told:
        found.append("an output is missing")
    await load(LogReader(world.logs[LOG]), TopicPartition(LOG, 0), states := States())
    if states != lane.state.of:
        found.append("the changelog holds other states")
    return found
