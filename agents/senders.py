"""Each channel has one sender; a delivery whose channel has no sender any more fails after ten minutes.

This file starts the senders, fails such deliveries, and reports how many deliveries wait.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Final

from agents.notify import UNKNOWN
from agents.sender import LOOK_S, Lanes, Sender
from agents.store import Asking
from models.notifications.telling import DeliveryStatus
from notifiers.routes_file import Configured
from runtime.clock import Clock
from runtime.metrics import DATABASE_WAITS, DELIVERIES, DELIVERIES_WAITING
from runtime.tasks import run_together
from stores.errors import StoreAwayError
from stores.ports import Outbox

log = logging.getLogger(__name__)

UNATTENDED_S: Final = 600.0  # a worker with an older routes file leaves unknown channels to newer workers


class Senders:
    """The senders of all channels.

    dice: returns a random number in [0, 1).
    """

    def __init__(self, outbox: Outbox, channels: Mapping[str, Configured], lanes: Lanes, clock: Clock,
                 asking: Asking, dice: Callable[[], float] = random.random) -> None:
        self._outbox, self._lanes, self._clock, self._asking = outbox, lanes, clock, asking
        # Prometheus sees a rise only if the counter exists before it.
        DELIVERIES.labels(UNKNOWN, DeliveryStatus.FAILED)
        self._senders = {name: Sender(name, one, outbox, lanes, clock, asking, dice)
                         for name, one in channels.items()}

    def wake(self) -> None:
        for one in self._senders.values():
            one.woken.set()

    async def run(self) -> None:
        """Run until cancelled; then finish the current attempts."""
        try:
            await run_together((self._look(), *(one.run() for one in self._senders.values())))
        finally:
            await asyncio.gather(*(one.finish() for one in self._senders.values()))

    async def _look(self) -> None:
        while True:
            try:
                with self._asking.by(self):
                    await self._look_once()
            except StoreAwayError as error:
                log.warning("the database does not answer: %s", error)
                DATABASE_WAITS.inc()  # even if no delivery is due
            await asyncio.sleep(10 * LOOK_S)

    async def _look_once(self) -> None:
        now = self._clock.now()
        lost = await self._outbox.fail_unknown(list(self._senders), self._lanes.mine(), now - UNATTENDED_S, now)
        if lost:
            log.error("%d messages are not sent: their channels are no longer in the routes file", lost)
            DELIVERIES.labels(UNKNOWN, DeliveryStatus.FAILED).inc(lost)
        waiting = await self._outbox.waiting()
        for name in {*self._senders, *waiting}:
            DELIVERIES_WAITING.labels(name).set(waiting.get(name, 0))
