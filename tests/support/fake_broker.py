"""A broker in memory for lanes of tests: the logs, a reader of them, and a writer that the broker can fence."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from faust.types import TP

from runtime.settings import Settings
from streams.engine.changelog import DONE, OWNER
from support.memory_log import Log, LogReader

TOPICS = ("sms", "registry", "commands")
LOG, OUT = "log", "out"
SETTINGS = Settings.from_env({})
Said = tuple[bytes, int, str]


class Fenced(Exception):
    """Another writer has asked for the name of this writer since."""


class World:
    """Everything that outlives a lane: the logs, the outputs, the epoch, and the frozen lanes."""

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
        """Write records to the inputs. A record has no effect (n), changes a state (s), or also has an output (o)."""
        for _ in range(count):
            topic, number = self.chance.choice(TOPICS), sum(log.end for log in self.logs.values())
            self.logs[topic].write((self.chance.choice([b"a", b"b", b"c"]),
                                    self.chance.choice(b"nosss").to_bytes() + b"%d" % number))

    def clean(self) -> None:
        """Compact the changelog up to a random `done`. States without a `done` are too young for the cleaner."""
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
    """Sends one or two records a turn. Records that wait when it is cancelled may arrive when it is stopped."""

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
