"""All that one process of the page consists of, put together once; the routes get it from the application's state."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from streams.clock import Clock
from streams.settings import Settings
from web import board
from web.access import Gate
from web.changes import TOP, Changes
from web.commands import Commands
from web.follow import Follower
from web.history import History, Queries
from web.live import Live

LOOK_S: Final = 1.0


class Web:
    """clock: `now` as people live it, virtual in the demo. real_time: tells whether the watching process lives."""

    def __init__(self, settings: Settings, clock: Clock, queries: Queries,
                 real_time: Callable[[], float] = time.time) -> None:
        self.settings, self.clock, self._real_time = settings, clock, real_time
        self.changes = Changes()
        self.live = Live(self.changes)
        self.follower = Follower(settings, self.live, real_time)
        self.history = History(queries, self.live, clock.now, lambda: self.changes.mark(TOP))
        self.commands = Commands(settings)
        self.gate = Gate(settings.web_token, real_time)

    def watch(self) -> board.Watch:
        """Whether anybody is being watched, as of now."""
        seen = {lane: progress.seen for lane, progress in self.live.progress.items()}
        return board.watch_state(seen, self.follower.lanes, self.follower.since, self._real_time())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow topics and database as long as the application lives."""
        tasks = [asyncio.create_task(one) for one in (self.follower.run(), self.history.run(), self._look())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.commands.stop()
            self.history.close()

    async def _look(self) -> None:
        """Silence is no event: somebody has to look whether it has lasted too long."""
        before = None
        while True:
            now = (self.watch(), self.follower.caught_up)
            if now != before:
                before = now
                self.changes.mark(TOP)
            await asyncio.sleep(LOOK_S)
