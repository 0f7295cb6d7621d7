"""Lanes whose lives end at any turn of the event loop: nothing is lost, nothing counts twice, no id has two bodies.

The lanes are real, the broker is not: logs in memory, a reader and a writer of them, between each two records of which
others may have a turn. A lane is cancelled, killed, broken off, renewed, or left behind as one that was frozen and
wakes when another has its place; what it had sent may arrive after its end; and a cleaner compacts the changelog. All
of that comes from a seed. What is wrong is seen: a lane that redoes or takes back nothing, and a broker that fences
nobody, are found out.
"""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from faust.types import TP
from support.memory_log import Log, LogReader

from runtime.settings import Settings
from streams.engine import lane as lane_module
from streams.engine import state_lane
from streams.engine.batch import Batch, Folding
from streams.engine.changelog import DONE, OWNER, States, load
from streams.engine.ports import Limits
from streams.engine.state_lane import StateLane

TOPICS = ("sms", "registry", "commands")
LOG, OUT = "log", "out"
SETTINGS = Settings.from_env({})
FOREVER = 1_000_000
Said = tuple[bytes, int, str]


class Died(BaseException):
    """What `die` does here instead of leaving."""


class Fenced(Exception):
    """Another has asked for the name of this writer."""


class World:
    """All that outlives a lane."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.logs = {topic: Log(topic) for topic in (*TOPICS, LOG)}
        self.committed: dict[str, int] = {}
        self.said: list[Said] = []
        self.epoch = 0
        self.left_behind: list[asyncio.Task[None]] = []
        self.logs[LOG].write(*((key, orjson.dumps([0, ""])) for key in (b"a", b"b", b"c")),
                             (DONE, orjson.dumps(dict.fromkeys(TOPICS, 0))))

    def happen(self, count: int) -> None:
        """Records whose effect is none (n), a state (s), or a state that is told of (o)."""
        for _ in range(count):
            topic, number = self.chance.choice(TOPICS), sum(log.end for log in self.logs.values())
            self.logs[topic].write((self.chance.choice([b"a", b"b", b"c"]),
                                    self.chance.choice(b"nosss").to_bytes() + b"%d" % number))

    def clean(self) -> None:
        """What hangs is too young for it."""
        log = self.logs[LOG]
        log.clean(self.chance.randint(0, max(one.offset for one in log.records if one.key == DONE)))

    async def committed_of(self, tp: TP) -> int | None:
        await asyncio.sleep(0)
        return self.committed.get(tp.topic)

    @asynccontextmanager
    async def reader(self, _: Settings) -> AsyncIterator[LogReader]:
        await asyncio.sleep(0)
        try:
            yield LogReader(*self.logs.values())
        finally:
            await asyncio.sleep(0)


class FakeWriter:
    """Sends one or two records a turn. What it still had when it was cancelled may arrive when it is stopped."""

    def __init__(self, world: World) -> None:
        self._world, self._epoch, self._waiting = world, 0, list[tuple[str, Any]]()
        self.dead = False

    def put(self, place: str, what: Any) -> None:
        if self.dead:
            return
        self.check()
        if place == OUT:
            self._world.said.append(what)
        else:
            self._world.logs[LOG].write(what)

    def check(self) -> None:
        if self._epoch != self._world.epoch:
            raise Fenced

    async def start(self, _: str) -> None:
        await asyncio.sleep(0)
        self._epoch = self._world.epoch = self._world.epoch + 1
        await self.write(LOG, [(OWNER, b"1")])

    async def write(self, _: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        await self._send([(LOG, one) for one in records])

    async def write_outputs(self, outputs: Iterable[Any]) -> None:
        await self._send([(OUT, one) for one in outputs])

    async def _send(self, some: list[tuple[str, Any]]) -> None:
        self._waiting = some
        while self._waiting:
            await asyncio.sleep(0)
            for _ in range(self._world.chance.randint(1, 2)):
                if self._waiting:
                    self.put(*self._waiting.pop(0))
        await asyncio.sleep(0)

    async def stop(self) -> None:
        await asyncio.sleep(0)
        late, self._waiting = self._waiting[:self._world.chance.randint(0, len(self._waiting))], []
        try:
            for one in late:
                self.put(*one)
        except Fenced:
            pass


class Revisions:
    """Of each key how often it was touched, and a digest of by what, in order."""

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
        raise Died(why) from error

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
    """Hand over so many batches of any topics, at once. Whether there were any."""
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
    """A lane is taken over, gets some batches, and ends in one way or another. last: it gets all there is.

    None where it was shut out by one left behind, which woke amid the renewal of its writer: a worker leaves then.
    """
    try:
        return await _live(world, last=last)
    except (Fenced, Died) as error:
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
    """What is wrong after many lives."""
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
        found.append("something was not told")
    await load(LogReader(world.logs[LOG]), TopicPartition(LOG, 0), states := States())
    if states != lane.state.of:
        found.append("the changelog holds other states")
    return found


@pytest.mark.parametrize("seed", range(100))
async def test_whatever_ends_a_lane(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await problems(seed, monkeypatch) == []


async def _nothing(*_: object) -> None:
    """Instead of what a lane or a broker should do."""


@pytest.mark.parametrize("name", ["_redo", "_take_back", "check"])
async def test_what_is_wrong_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWriter if name == "check" else StateLane, name, (lambda _: None) if name == "check" else
                        _nothing)
    for seed in range(1000):
        try:
            if await problems(seed, monkeypatch):
                return
        except Died:  # a lane that reads `done` go back leaves
            return
    pytest.fail("nothing was found")
