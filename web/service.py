"""The parts of one process of the page are put together once; the routes get them from the application's state."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from runtime.clock import Clock
from runtime.settings import Settings
from runtime.tasks import watch
from web import board
from web.access import Gate
from web.asking import DeviceQuestions
from web.changes import PARTS, TOP, PageChanges
from web.commands import Commands
from web.follow import Follower
from web.history import HistoryCache, HistoryQueries
from web.live import Live

LOOK_S: Final = 1.0
REDRAW_S: Final = 30.0


class Web:
    """The parts of one process of the page.

    clock: `now` of the people, virtual in the demo.
    real_time: the clock that shows whether the watching process lives, epoch seconds.
    """

    def __init__(self, settings: Settings, clock: Clock, queries: HistoryQueries,
                 real_time: Callable[[], float] = time.time) -> None:
        self.settings, self.clock, self._real_time = settings, clock, real_time
        self.changes = PageChanges()
        self.live = Live(self.changes)
        self.follower = Follower(settings, self.live, real_time)
        self.history = HistoryCache(queries, self.live, clock.now, lambda: self.changes.mark(TOP))
        self.commands = Commands(settings)
        self.asking = DeviceQuestions(settings, self.commands)
        self.gate = Gate(settings.web_token, real_time)

    def watch(self) -> board.WatchStatus:
        """Whether people are being watched now."""
        seen = {lane: progress.seen for lane, progress in self.live.progress.items()}
        return board.watch_state(seen, self.follower.lanes, self.follower.since, self._real_time())

    @asynccontextmanager
    async def running(self, on_failure: Callable[[BaseException], None]) -> AsyncIterator[None]:
        """Follow the topics and the database as long as the application lives.

        on_failure: called with the error if the topics cannot be followed.
        """
        tasks = [asyncio.create_task(one) for one in (self.follower.run(), self.history.run(), self._look())]
        watch(tasks[0], on_failure)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.history.close()
            await self.commands.stop()

    async def _look(self) -> None:
        """Look every LOOK_S for changes that bring no event: silence, and the passing of time."""
        before, drawn = None, 0.0
        while True:
            now = (self.watch(), self.follower.caught_up)
            if time.monotonic() - drawn >= REDRAW_S:  # "two minutes ago", and windows that open
                drawn = time.monotonic()
                self.changes.mark(*PARTS)
            elif now != before:
                self.changes.mark(TOP)
            before = now
            await asyncio.sleep(LOOK_S)
