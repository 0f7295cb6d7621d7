"""What may happen to a round, each at a moment from the seed. Whatever is broken here is mended again by `mend`."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from chaos.system import System

SESSION_S: Final = 3.0
FROZEN_S: Final = (4.0, 6.0)  # longer than the session: another worker has the lanes by then
AWAY_S: Final = (1.0, 4.0)


class Faults:
    """Acts on a system. done: their names, in order."""

    def __init__(self, system: System, dice: Random) -> None:
        self._system, self._dice = system, dice
        self._later: list[tuple[float, Callable[[], Awaitable[None]]]] = []
        self.done: list[str] = []

    @property
    def names(self) -> list[str]:
        names = ["kill", "kill", "term", "freeze", "freeze", "freeze", "add", "remove", "database_away", "network_cut",
                 "network_slow", "network_silent"]
        if self._system.asking is not None:
            names += ["asker_dies", "asker_dies", "provider_away"]
        return [*names, "node_dies" if len(self._system.kafka.nodes) > 1 else "broker_restarts"]

    async def act(self, name: str) -> None:
        self.done.append(name)
        await getattr(self, f"_{name}")()

    async def tend(self) -> None:
        """Undo what has lasted long enough."""
        due = [undo for at, undo in self._later if at <= time.monotonic()]
        self._later = [(at, undo) for at, undo in self._later if at > time.monotonic()]
        for undo in due:
            await undo()

    async def mend(self) -> None:
        """Undo everything, now."""
        self._later = [(0.0, undo) for _, undo in self._later]
        await self.tend()

    def _after(self, seconds: tuple[float, float], undo: Callable[[], Awaitable[None]]) -> None:
        self._later.append((time.monotonic() + self._dice.uniform(*seconds), undo))

    def _signal(self, number: signal.Signals) -> None:
        awake = [one for one in self._system.watchers if one.runs and not one.stands_still]
        if awake:
            self._dice.choice(awake).send(number)

    async def _kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def _term(self) -> None:
        self._signal(signal.SIGTERM)

    async def _freeze(self) -> None:
        awake = [one for one in self._system.watchers if one.runs and not one.stands_still]
        if not awake:
            return
        victim = self._dice.choice(awake)
        victim.send(signal.SIGSTOP)

        async def thaw() -> None:
            victim.send(signal.SIGCONT)

        self._after(FROZEN_S, thaw)

    async def _add(self) -> None:
        self._system.wanted = 3

    async def _remove(self) -> None:
        self._system.wanted = 2
        self._signal(signal.SIGTERM)

    async def _database_away(self) -> None:
        self._system.database_line.cut()

        async def back() -> None:
            self._system.database_line.refuses = False

        self._after(AWAY_S, back)

    async def _asker_dies(self) -> None:
        """With questions in hand: the provider is away before, for longer than from one commit to the next."""
        await self._away(FROZEN_S, kill=True)

    async def _provider_away(self) -> None:
        await self._away(AWAY_S, kill=False)

    async def _away(self, seconds: tuple[float, float], *, kill: bool) -> None:
        """No question reaches the provider. kill: in the end the agent that has them is killed."""
        asking, asker = self._system.asking, self._system.asker
        if asking is None or asker is None:
            return
        asking.line.cut()

        async def back() -> None:
            if kill:
                asker.send(signal.SIGKILL)
            asking.line.refuses = False

        self._after(seconds, back)

    async def _network_cut(self) -> None:
        for line in self._system.broker_lines:
            line.cut()

        async def back() -> None:
            for line in self._system.broker_lines:
                line.refuses = False

        self._after(AWAY_S, back)

    async def _network_slow(self) -> None:
        for line in self._system.broker_lines:
            line.delay_s = 0.1

        async def back() -> None:
            for line in self._system.broker_lines:
                line.delay_s = 0.0

        self._after(AWAY_S, back)

    async def _network_silent(self) -> None:
        """Connections stand, and nothing passes for longer than a session."""
        for line in self._system.broker_lines:
            line.silent = True

        async def back() -> None:
            for line in self._system.broker_lines:
                line.silent = False

        self._after(FROZEN_S, back)

    async def _broker_restarts(self) -> None:
        await asyncio.to_thread(self._system.kafka.restart)

    async def _node_dies(self) -> None:
        living = [node for node in self._system.kafka.nodes if node.runs]
        if not living:
            return
        node = self._dice.choice(living)
        await asyncio.to_thread(node.kill)

        async def again() -> None:
            await asyncio.to_thread(node.start)

        self._after(AWAY_S, again)
