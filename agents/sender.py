"""Each channel has one sender, and each due delivery ends with a receipt: sent, failed, expired or superseded.

The sender claims due deliveries, sends them, and writes the receipts. It retries a failed attempt, or gives the
delivery up and logs that as an error. Before the sender sends a delivery, its lane has been read to the end, so an
acknowledgement or a clearing in the topic stops the delivery. `models.notifications.gathering` decides which messages
are sent singly and which are gathered into one. Urgent messages have their own room: they wait neither for other
messages nor for a pause that the channel has asked for. If the process dies after the provider has taken a message and
before the receipt is durable, the message is sent twice. The second message says so, and has the same id.
"""

import asyncio
import contextlib
import logging
import os
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from agents.store import Asking
from models.errors import ContractError
from models.notifications.digest import DigestEntry, digest_of, room
from models.notifications.gathering import MOST, URGENT, gather
from models.notifications.message import Message, message_of
from models.notifications.notice import notice_of
from models.notifications.telling import LONGEST_ASKED_S, STOPS, DeliveryStatus, Try, before_sending, wait_s
from models.times import parse_time
from notifiers.ports import ATTEMPT_S, GiveUpError, RetryError
from notifiers.routes_file import Configured
from runtime.clock import Clock
from runtime.metrics import DELIVERIES, DELIVERY_RETRIES, DELIVERY_SECONDS
from stores.errors import StoreAwayError
from stores.ports import Claimed, Outbox

log = logging.getLogger(__name__)

CLAIM_S: Final = 20.0  # longer than an attempt: no other process takes over a delivery that is still being sent
AT_ONCE: Final = 4     # parcels of one channel in sending; the same number again for urgent ones
LOOK_S: Final = 1.0
FINISH_S: Final = 10.0


class Lanes(Protocol):
    def mine(self) -> set[int]: ...
    async def read_to_end(self) -> set[int]: ...


class Sender:
    """The sender of one channel. It waits for no other channel.

    A parcel is the deliveries that one message carries, mostly one delivery.
    """

    def __init__(self, name: str, configured: Configured, outbox: Outbox, lanes: Lanes, clock: Clock,
                 asking: Asking, dice: Callable[[], float]) -> None:
        self._name, self._channel, self._manner = name, configured.channel, configured.manner
        self._outbox, self._lanes, self._clock, self._asking, self._dice = outbox, lanes, clock, asking, dice
        self._owner = f"{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._in_hand: dict[str, asyncio.Task[None]] = {}  # by thread; an alert's messages are sent in turn
        self._busy = {True: 0, False: 0}                    # parcels in hand; True: urgent ones
        self._paused_until = 0.0
        self._gathered_at: float | None = None
        self.woken = asyncio.Event()
        DELIVERY_RETRIES.labels(name)  # Prometheus sees a rise only if the counter exists before it
        for status in DeliveryStatus:
            if status not in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING):
                DELIVERIES.labels(name, status)

    async def run(self) -> None:
        while True:
            self.woken.clear()
            try:
                with self._asking.by(self):
                    complete = await self._start_due()
            except StoreAwayError as error:
                log.warning("%s: the database does not answer: %s", self._name, error)
                complete = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), LOOK_S if complete else LOOK_S / 20)

    async def finish(self) -> None:
        """Let the current attempts end. A delivery whose attempt does not end in time is sent again after its claim."""
        tasks = set(self._in_hand.values())
        if tasks:
            await asyncio.wait(tasks, timeout=FINISH_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._channel.close()

    async def _start_due(self) -> bool:
        """Start due deliveries. Returns False if one is due in a lane that has not been read to its end."""
        mine, now = self._lanes.mine(), self._clock.now()
        if not mine or min(self._busy.values()) >= AT_ONCE:
            return True
        found = await self._outbox.due(self._name, mine, now, MOST)
        if all(one.thread in self._in_hand for one in found):
            return True
        known = await self._lanes.read_to_end()
        complete = all(one.lane in known for one in found)
        if not complete:  # a delivery that waits for its lane takes no place from the others, even if it is urgent
            found = await self._outbox.due(self._name, mine & known, now, MOST)
        found = [one for one in found if one.thread not in self._in_hand]
        for one in found:
            if one.urgency == URGENT:
                self._start([one])
        rest = [one for one in found if one.urgency != URGENT]
        if rest and now >= self._paused_until and self._busy[False] < AT_ONCE:
            for parcel in await self._parcels(rest, now):
                self._start(parcel)
        return complete

    async def _parcels(self, rest: list[Claimed], now: float) -> list[list[Claimed]]:
        if self._channel.longest is None:
            return [[one] for one in rest]
        single, gathered = gather(rest, await self._outbox.lately(self._name, now, self._gathered_at), now)
        if not gathered:
            return [[one] for one in single]
        self._gathered_at = now
        readable = [(one, entry) for one in gathered if (entry := _entry(one)) is not None]
        number = room([entry for _, entry in readable], self._name, self._manner, self._channel.longest)
        return [[one for one, _ in readable[:number]], *([one] for one in gathered if _entry(one) is None)]

    def _start(self, parcel: list[Claimed]) -> None:
        """Start a parcel, without alerts that have a message in hand. A later look starts what finds no room."""
        parcel = [one for one in parcel if one.thread not in self._in_hand]
        urgent = any(one.urgency == URGENT for one in parcel)
        if not parcel or self._busy[urgent] >= AT_ONCE:
            return
        threads = {one.thread for one in parcel}
        task = asyncio.create_task(self._deliver(parcel))
        self._busy[urgent] += 1
        self._in_hand |= dict.fromkeys(threads, task)
        task.add_done_callback(partial(self._done, threads, urgent))

    def _done(self, threads: set[str], urgent: bool, _task: "asyncio.Task[None]") -> None:
        self._busy[urgent] -= 1
        for thread in threads:
            del self._in_hand[thread]
        self.woken.set()

    async def _deliver(self, parcel: list[Claimed]) -> None:
        try:
            claimed = await self._claimed(parcel)
            if claimed:
                await self._attempt(claimed)
        except StoreAwayError as error:  # raised only before the message is sent
            log.warning("%s: %s waits for the database: %s", self._name, _name(parcel), error)

    async def _claimed(self, parcel: list[Claimed]) -> list[Claimed]:
        """Claim deliveries for one attempt. The others get a receipt, or another process has them."""
        erased = await self._outbox.erased({one.subject for one in parcel if one.subject is not None})
        notified = await self._outbox.notified({one.thread for one in parcel if one.change in STOPS}, self._name)
        ready = []
        for one in parcel:
            status, why = DeliveryStatus.SUPERSEDED, "the person's data is erased"
            if one.subject not in erased:
                attempt = Try(one.change, one.attempts, int(one.until), one.thread in notified, one.stopped)
                status, why = before_sending(attempt, self._clock.now())
            if status is DeliveryStatus.SENDING:
                ready.append(one)
            else:  # a message that a dead process was sending may have arrived
                unsure = one.unsure or one.status is DeliveryStatus.SENDING
                await self._receipt([one._replace(unsure=unsure)], status, why)
        end = self._clock.now() + CLAIM_S
        claimed = await self._outbox.claim(ready, f"{self._owner}/{uuid.uuid4().hex[:8]}", end) if ready else []
        # If a slow database has used up the time of the claim, nothing is sent; the next claim has its whole time.
        return claimed if self._clock.virtual or self._clock.now() < end - ATTEMPT_S else []

    async def _attempt(self, parcel: list[Claimed]) -> None:
        digest = None
        try:
            message = self._message(parcel)
            digest = message.id if len(parcel) > 1 else None
            async with asyncio.timeout(ATTEMPT_S):
                answer = await self._channel.send(message)
        except RetryError as error:
            await self._again(parcel, str(error), error.after_s, unsure=error.unsure)
        except TimeoutError:
            await self._again(parcel, f"no answer within {ATTEMPT_S:.0f} s", None, unsure=True)
        except GiveUpError as error:
            await self._receipt(parcel, DeliveryStatus.FAILED, str(error))
        except Exception as error:
            log.exception("%s: %s cannot be sent", self._name, _name(parcel))
            await self._receipt(parcel, DeliveryStatus.FAILED, f"a fault in Anbu: {type(error).__name__}")
        else:
            await self._receipt(parcel, DeliveryStatus.SENT, "", answer, digest)
            for one in parcel:
                changed = parse_time(one.event["data"]["changed_at"], "changed_at")
                DELIVERY_SECONDS.labels(self._name).observe(max(0.0, self._clock.now() - changed))

    def _message(self, parcel: list[Claimed]) -> Message:
        if len(parcel) > 1:
            return digest_of([entry for one in parcel if (entry := _entry(one))], self._name, self._manner)
        (one,) = parcel
        return message_of(notice_of(one.event), one.id, self._manner, fallback=one.fallback, again=one.unsure)

    async def _again(self, parcel: list[Claimed], why: str, asked_s: float | None, *, unsure: bool) -> None:
        now, attempts = self._clock.now(), max(one.attempts for one in parcel)
        due = now + wait_s(attempts, self._dice(), asked_s, urgent=parcel[0].urgency == URGENT)
        if asked_s is not None:
            self._paused_until = now + min(asked_s, LONGEST_ASKED_S)
        over = [one._replace(unsure=one.unsure or unsure) for one in parcel if due > one.until]
        if over:
            await self._receipt(over, DeliveryStatus.FAILED, f"{why}; tried {attempts} times")
        left = [one for one in parcel if due <= one.until]
        if left:
            log.warning("%s: attempt %d of %s failed (%s); the next is in %.0f s", self._name, attempts, _name(left),
                        why, due - now)
            DELIVERY_RETRIES.labels(self._name).inc()
            await self._asking.durably(lambda: self._outbox.again(left, due, why, unsure=unsure))

    async def _receipt(self, parcel: Sequence[Claimed], status: DeliveryStatus, why: str, answer: str = "",
                       digest: str | None = None) -> None:
        """Write the receipt, and wait until it is durable: without a receipt the message would be sent again."""
        kept = await self._asking.durably(
            lambda: self._outbox.receipt(parcel, status, why, self._clock.now(), answer, digest))
        if kept < len(parcel):
            log.warning("%s: %d of %s have no receipt (%s): another process has claimed them", self._name,
                        len(parcel) - kept, _name(parcel), status)
        if not kept:
            return
        DELIVERIES.labels(self._name, status).inc(kept)
        if status is DeliveryStatus.FAILED:
            log.error("%s: %s was not delivered and is not retried: %s", self._name, _name(parcel), why)
        else:
            log.info("%s: %s %s%s", self._name, digest or _name(parcel), status, f" ({why})" if why else "")


def _entry(one: Claimed) -> DigestEntry | None:
    """Return the entry of a digest; None if the delivery cannot be read.

    An unreadable delivery is sent singly, so that it fails alone, with an error in the log.
    """
    try:
        return DigestEntry(one.id, notice_of(one.event), one.fallback, one.unsure)
    except ContractError:
        return None


def _name(parcel: Sequence[Claimed]) -> str:
    return parcel[0].id if len(parcel) == 1 else f"{parcel[0].id} and {len(parcel) - 1} more"
