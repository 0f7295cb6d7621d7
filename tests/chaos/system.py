"""The parts of a round: brokers and a database behind proxies, workers that judge, one that records, one that asks.

Brokers and database are started once for many rounds; each round has its own topics, groups and database.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from support.proxy import Proxy, proxy
from support.worker import WorkerProcess

from agents.ask import ASK_INPUTS
from agents.record import RECORD_INPUTS
from chaos.asked import Asking
from local.embedded import ChildService, free_port
from local.kafka import LocalKafka
from models.contract.topics import INPUTS
from runtime.settings import Settings
from stores.embedded import embedded_database_command
from streams.kafka import administration, kafka_options, stop_consumer

STOP_S: Final = 40.0
PROPER: Final = (0, 70, -9, -15)  # -15: told to go while it was still starting


@dataclass
class Ground:
    """What outlives a round."""

    kafka: LocalKafka
    broker_lines: list[Proxy]
    database_line: Proxy
    database_port: int


@contextmanager
def ground(folder: Path, nodes: int) -> Iterator[Ground]:
    """Brokers and a database, each behind a proxy, until the block ends."""
    with ExitStack() as stack:
        outside = [free_port() for _ in range(nodes)]
        kafka = stack.enter_context(LocalKafka(folder, nodes, outside=outside))
        lines = [stack.enter_context(proxy(target, port))
                 for target, port in zip(kafka.outside_ports, outside, strict=True)]
        port = free_port()
        stack.enter_context(ChildService(embedded_database_command(folder / "database", port), port,
                                         folder / "database.log"))
        yield Ground(kafka, lines, stack.enter_context(proxy(port)), port)


class System:
    """One round's workers. wanted: how many shall judge; exits: by status, of those who left by themselves; asking:
    of the agent `ask`; None: no worker asks."""

    def __init__(self, ground: Ground, folder: Path, name: str, partitions: int, keks: str, session_s: float,
                 asking: Asking | None = None) -> None:
        self.kafka, self.broker_lines, self.database_line = ground.kafka, ground.broker_lines, ground.database_line
        self.folder, self.name, self.partitions = folder, name, partitions
        self.wanted, self.exits = 2, Counter[int]()
        database = f"mongodb://127.0.0.1:{{port}}/{name}?serverSelectionTimeoutMS=2000"
        self._variables = {
            "ANBU_KAFKA": ",".join(f"127.0.0.1:{line.port}" for line in self.broker_lines),
            "ANBU_MONGODB": database.format(port=self.database_line.port), "ANBU_GUARANTEE": "fence",
            "ANBU_APP_ID": name, "ANBU_KEK": keks, "ANBU_PARTITIONS": str(partitions),
            "ANBU_REPLICATION": str(len(self.kafka.nodes)), "ANBU_SESSION_S": str(session_s)}
        self.settings = Settings.from_env({**self._variables, "ANBU_KAFKA": self.kafka.address,
                                           "ANBU_MONGODB": database.format(port=ground.database_port)})
        self.watchers: list[WorkerProcess] = []
        self.recorder, self.asking = self._worker("record"), asking
        self.asker = None if asking is None else self._worker("ask", **asking.variables)

    @property
    def workers(self) -> list[WorkerProcess]:
        return [*self.watchers, self.recorder, *([] if self.asker is None else [self.asker])]

    def _worker(self, agent: str, **more: str) -> WorkerProcess:
        number = len(list(self.folder.iterdir())) if self.folder.exists() else 0
        return WorkerProcess(self.folder / f"{number:02}-{agent}", **self._variables, ANBU_AGENTS=agent, **more)

    def tend(self) -> None:
        """Start again whoever has left, as a supervisor does; keep as many as are wanted."""
        for one in self.workers:
            status = one.left()
            if status is not None:
                self.exits[status] += 1
        self.watchers = [one for one in self.watchers if one.runs]
        while len(self.watchers) < self.wanted:
            self.watchers.append(self._worker("watch"))
            self.watchers[-1].start()
        for one in self.workers:
            if not one.runs:
                one.start()

    async def behind(self) -> dict[str, int]:
        """How many records wait for any agent, by what the groups have committed; where none does, nothing."""
        asked = {} if self.asker is None else await self._behind(f"{self.name}-ask", ASK_INPUTS)
        return asked | await self._behind(self.name, INPUTS) | await self._behind(f"{self.name}-record", RECORD_INPUTS)

    async def health(self) -> list[str]:
        """What each worker says of itself."""
        async with httpx.AsyncClient(timeout=5.0) as http:
            return [f"{one.log.parent.name}: {await one.health(http)}" for one in self.workers]

    async def _behind(self, group: str, topics: tuple[str, ...]) -> dict[str, int]:
        consumer = AIOKafkaConsumer(**kafka_options(self.settings), group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            places = [TopicPartition(topic, number) for topic in topics for number in range(self.partitions)]
            ends = await consumer.end_offsets(places)
            waiting = {f"{group} {place.topic} {place.partition}": ends[place] - (await consumer.committed(place) or 0)
                       for place in places}
            return {name: count for name, count in waiting.items() if count}
        finally:
            await stop_consumer(consumer)

    def stop(self) -> list[str]:
        """SIGTERM to all; in words, who did not leave properly."""
        everybody = [one for one in self.workers if one.runs]
        for one in everybody:
            one.send(signal.SIGCONT)
            one.send(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        wrong = []
        for one in everybody:
            while one.runs and time.monotonic() < deadline:
                time.sleep(0.05)
            status = one.left()
            if status is None:
                wrong.append(f"{one.log} did not leave within {STOP_S:g} s of SIGTERM")
                one.kill()
            else:
                self.exits[status] += 1
                if status not in PROPER:
                    wrong.append(f"{one.log} left with status {status} after SIGTERM")
        return wrong

    async def forget(self) -> None:
        """Remove the round's topics."""
        async with administration(self.settings) as admin:
            names = [name for name in await admin.list_topics() if not name.startswith("__")]
            await admin.delete_topics(names)
            while any(not name.startswith("__") for name in await admin.list_topics()):
                await asyncio.sleep(0.05)
