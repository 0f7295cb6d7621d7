"""One sender a channel: what is due is claimed, sent, and receipted; what failed is tried again or given up, loudly.

Before anything is sent, its lane has been read to the end, so that an acknowledgement or a clearing which is in the
topic stops it. Between the moment at which a provider takes a message and the receipt being durable lies the only
window in which a crash makes it go out twice; the second time the message says so, and has the same id.
"""

import asyncio
import contextlib
import logging
import os
import random
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

from agents.notify import durably
from models.message import message_of
from models.notice import notice_of
from models.telling import STOPS, Status, Try, before_sending, wait_s
from models.times import parse_time
from notifiers.ports import GiveUpError, RetryError
from notifiers.routes_file import Configured
from stores.errors import StoreAwayError
from stores.ports import Claimed, Outbox
from streams.clock import Clock
from streams.metrics import DELIVERIES, DELIVERIES_WAITING, DELIVERY_RETRIES, DELIVERY_SECONDS

log = logging.getLogger(__name__)

ATTEMPT_S: Final = 15.0
CLAIM_S: Final = 20.0       # longer than an attempt, so that nobody takes over what is still being sent
AT_ONCE: Final = 4          # of one channel
LOOK_S: Final = 1.0
UNATTENDED_S: Final = 600.0  # a worker with an older routes file leaves what it does not know to newer ones
FINISH_S: Final = 10.0


class Lanes(Protocol):
    def mine(self) -> set[int]: ...
    async def read_to_end(self) -> set[int]: ...


class Senders:
    """All channels. dice: [0, 1)."""

    def __init__(self, outbox: Outbox, channels: Mapping[str, Configured], lanes: Lanes, clock: Clock,
                 dice: Callable[[], float] = random.random) -> None:
        self._outbox, self._lanes, self._clock = outbox, lanes, clock
        self._senders = {name: Sender(name, one, outbox, lanes, clock, dice) for name, one in channels.items()}

    def wake(self) -> None:
        for one in self._senders.values():
            one.woken.set()

    async def run(self) -> None:
        """Until it is cancelled; then what is being sent is finished."""
        tasks = [asyncio.create_task(one) for one in (self._look(), *(one.run() for one in self._senders.values()))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(one.finish() for one in self._senders.values()))

    async def _look(self) -> None:
        while True:
            try:
                now = self._clock.now()
                lost = await self._outbox.fail_unknown(list(self._senders), self._lanes.mine(), now - UNATTENDED_S, now)
                if lost:
                    log.error("%d messages waited for channels that are no longer in the routes file: given up", lost)
                    DELIVERIES.labels("unknown", Status.FAILED).inc(lost)
                waiting = await self._outbox.waiting()
                for name in {*self._senders, *waiting}:
                    DELIVERIES_WAITING.labels(name).set(waiting.get(name, 0))
            except StoreAwayError as error:
                log.warning("the database does not answer: %s", error)
            await asyncio.sleep(10 * LOOK_S)


class Sender:
    """One channel. Nothing here waits for another."""

    def __init__(self, name: str, configured: Configured, outbox: Outbox, lanes: Lanes, clock: Clock,
                 dice: Callable[[], float]) -> None:
        self._name, self._channel, self._manner = name, configured.channel, configured.manner
        self._outbox, self._lanes, self._clock, self._dice = outbox, lanes, clock, dice
        self._owner = f"{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._in_hand: dict[str, asyncio.Task[None]] = {}  # by thread: an alert's messages go out one after the other
        self._paused_until = 0.0
        self.woken = asyncio.Event()
        DELIVERY_RETRIES.labels(name)  # a counter that is not there before it counts is not seen to rise
        for status in Status:
            if status not in (Status.QUEUED, Status.SENDING):
                DELIVERIES.labels(name, status)

    async def run(self) -> None:
        while True:
            self.woken.clear()
            try:
                complete = await self._start_due()
            except StoreAwayError as error:
                log.warning("%s: the database does not answer: %s", self._name, error)
                complete = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), LOOK_S if complete else LOOK_S / 20)

    async def finish(self) -> None:
        """Let what is being sent end; whatever does not is sent again once its claim has ended."""
        if self._in_hand:
            await asyncio.wait(self._in_hand.values(), timeout=FINISH_S)
        for task in self._in_hand.values():
            task.cancel()
        await asyncio.gather(*self._in_hand.values(), return_exceptions=True)
        await self._channel.close()

    async def _start_due(self) -> bool:
        """False: something is due in a lane that has not been read to its end."""
        mine, now = self._lanes.mine(), self._clock.now()
        free = AT_ONCE - len(self._in_hand)
        if not mine or free <= 0 or now < self._paused_until:
            return True
        found = [one for one in await self._outbox.due(self._name, mine, now, AT_ONCE * 4)
                 if one.thread not in self._in_hand]
        if not found:
            return True
        known = await self._lanes.read_to_end()
        complete = all(one.lane in known for one in found)
        if not complete:  # what waits for its lane must not take the place of what need not, however urgent it is
            found = await self._outbox.due(self._name, mine & known, now, AT_ONCE * 4)
        for one in found:
            if len(self._in_hand) < AT_ONCE and one.thread not in self._in_hand:
                task = asyncio.create_task(self._deliver(one))
                self._in_hand[one.thread] = task
                task.add_done_callback(partial(self._done, one.thread))
        return complete

    def _done(self, thread: str, _task: "asyncio.Task[None]") -> None:
        self._in_hand.pop(thread, None)
        self.woken.set()

    async def _deliver(self, one: Claimed) -> None:
        try:
            claimed = await self._claimed(one)
            if claimed is not None:
                await self._attempt(claimed)
        except StoreAwayError as error:  # before anything was sent
            log.warning("%s: %s waits for the database: %s", self._name, one.id, error)

    async def _claimed(self, one: Claimed) -> Claimed | None:
        """The delivery, ours for one attempt; None: it gets a receipt instead, or somebody else has it."""
        if one.subject is not None and await self._outbox.erased({one.subject}):
            await self._receipt(one, Status.SUPERSEDED, "the person's data is erased")
            return None
        told = one.change not in STOPS or await self._outbox.told(one.thread, self._name)
        attempt = Try(one.change, one.attempts, int(one.until), told, one.stopped)
        status, why = before_sending(attempt, self._clock.now())
        if status is not Status.SENDING:  # what a process that is gone was sending may have arrived
            await self._receipt(one._replace(unsure=one.unsure or one.status is Status.SENDING), status, why)
            return None
        end = self._clock.now() + CLAIM_S
        claimed = await self._outbox.claim(one, self._owner, end)
        # A database that took long has eaten up the claim: the next one has more.
        return claimed if self._clock.virtual or self._clock.now() < end - ATTEMPT_S else None

    async def _attempt(self, one: Claimed) -> None:
        try:
            notice = notice_of(one.event)
            message = message_of(notice, one.id, self._manner, fallback=one.fallback, again=one.unsure)
            async with asyncio.timeout(ATTEMPT_S):
                answer = await self._channel.send(message)
        except RetryError as error:
            await self._again(one, str(error), error.after_s, unsure=error.unsure)
        except TimeoutError:
            await self._again(one, f"no answer within {ATTEMPT_S:.0f} s", None, unsure=True)
        except GiveUpError as error:
            await self._receipt(one, Status.FAILED, str(error))
        except Exception as error:
            log.exception("%s: %s cannot be sent", self._name, one.id)
            await self._receipt(one, Status.FAILED, f"a fault of Anbu: {type(error).__name__}")
        else:
            await self._receipt(one, Status.SENT, "", answer)
            changed = parse_time(one.event["data"]["changed_at"], "changed_at")
            DELIVERY_SECONDS.labels(self._name).observe(max(0.0, self._clock.now() - changed))

    async def _again(self, one: Claimed, why: str, asked_s: float | None, *, unsure: bool) -> None:
        now = self._clock.now()
        due = now + wait_s(one.attempts, self._dice(), asked_s)
        if asked_s is not None:
            self._paused_until = now + asked_s
        if due > one.until:
            await self._receipt(one._replace(unsure=one.unsure or unsure), Status.FAILED,
                                f"{why}; tried {one.attempts} times")
            return
        log.warning("%s: attempt %d of %s failed (%s); the next is in %.0f s", self._name, one.attempts, one.id, why,
                    due - now)
        DELIVERY_RETRIES.labels(self._name).inc()
        await durably(lambda: self._outbox.again(one, due, why, unsure=unsure))

    async def _receipt(self, one: Claimed, status: Status, why: str, answer: str = "") -> None:
        """Durable, however long it takes: without it the message would go out again."""
        kept = await durably(lambda: self._outbox.receipt(one, status, why, self._clock.now(), answer))
        if not kept:
            log.warning("%s: %s is %s, but another process has taken it over meanwhile", self._name, one.id, status)
            return
        DELIVERIES.labels(self._name, status).inc()
        if status is Status.FAILED:
            log.error("%s: given up, nobody was told of %s: %s", self._name, one.id, why)
        else:
            log.info("%s: %s %s%s", self._name, one.id, status, f" ({why})" if why else "")
