"""`notify` tells people: a record of `alerts` becomes deliveries in the database, and those are sent by their channels.

    alerts ─▶ deliveries, durable ─▶ the position moves        (this file; it waits for the database alone)
              deliveries ─▶ one sender a channel ─▶ receipts   (agents/sender.py)

So no channel, however slow, holds up a lane, a rebalance or another channel; and whatever dies, what was decided is in
the database. Who is told of what is decided in models/notifications/telling.py.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from agents.store import Asking
from models.contract.records import parse_object
from models.errors import ContractError
from models.notifications.gathering import urgency
from models.notifications.notice import Notice, notice_of
from models.notifications.routes import EVERYWHERE, Routes
from models.notifications.telling import FOLLOW_UPS, Delivery, DeliveryStatus, decide_all, settled, until
from models.times import format_time
from runtime.clock import Clock
from runtime.metrics import DELIVERIES, ROUTE_FALLBACKS
from stores.errors import StoreRefusedError
from stores.ports import Outbox
from streams.topics import ALERTS

log = logging.getLogger(__name__)

INPUTS: Final = (ALERTS,)
ANSWER_S: Final = 3.0
BROKER_AWAY_S: Final = 30.0
UNKNOWN: Final = "unknown"  # the channel of what no channel will tell


class NotifyAgent:
    """queued: called when there is something to send."""

    def __init__(self, outbox: Outbox, routes: Routes, clock: Clock, queued: Callable[[], None],
                 asking: Asking) -> None:
        self._outbox, self._routes, self._clock = outbox, routes, clock
        self._queued, self._asking = queued, asking
        for site in routes.sites:
            ROUTE_FALLBACKS.labels(site)

    async def handle(self, batch: Sequence[ConsumerRecord]) -> None:
        """Returns when all that a batch decides is durable."""
        found = [(record.partition, notice) for record in batch if (notice := _notice(record)) is not None]
        subjects = {notice.subject for _, notice in found if notice.subject is not None}
        erased = await self._asking.durably(lambda: self._outbox.erased(subjects))
        threads: defaultdict[tuple[str, int], list[Notice]] = defaultdict(list)
        for partition, notice in found:
            if notice.subject not in erased:
                threads[notice.thread, partition].append(notice)
            elif notice.change not in FOLLOW_UPS:  # an old record, or somebody who must not have this number
                log.error("nobody is told of %s (%s): %d was erased; anbu doctor says whether anybody has the number",
                          notice.alert, notice.change, notice.subject)
        for (_, partition), notices in threads.items():
            try:
                await self._asking.durably(partial(self._decide, notices, partition))
            except StoreRefusedError as error:  # it would come again for ever, and nobody else would be told
                log.error("%s is told to nobody, as it cannot be kept: %s", notices[0].alert, error)  # noqa: TRY400
                DELIVERIES.labels(UNKNOWN, DeliveryStatus.FAILED).inc(len(notices))
        # Who was erased while this was written: either `erase` has seen it, or this sees the entry. Also who was erased
        # before: whoever wrote it may have died before this, and the batch comes again.
        if erased := await self._asking.durably(lambda: self._outbox.erased(subjects)):
            await self._asking.durably(partial(self._outbox.forget, erased))
        if threads:
            self._queued()

    async def _decide(self, notices: list[Notice], lane: int) -> None:
        """One alert's revisions. Doing it again, from any point at which it broke off, ends with the same."""
        key, subject, now = notices[0].thread, notices[0].subject, self._clock.now()
        while True:
            thread, version = await self._outbox.thread(key)
            decided = decide_all(thread, notices, self._routes, int(now))
            after = decided[-1][1].thread
            if after == thread or await self._outbox.keep_thread(key, after, version, subject, now):
                break
        deliveries = {f"{lane if subject is None else subject}/{notice.alert}/{notice.revision}/{delivery.channel}":
                      (notice, delivery) for notice, delivery in settled(decided)}
        new = await self._outbox.queue({name: _document(*one, lane, now) for name, one in deliveries.items()}, now)
        for name in new:
            self._tell(*deliveries[name])
        for notice, decision in decided:
            await self._outbox.stop(key, decision.stops, f"revision {notice.revision}: {notice.change}")

    def _tell(self, notice: Notice, delivery: Delivery) -> None:
        if delivery.fallback:
            site = notice.site if notice.site in self._routes.sites else EVERYWHERE
            ROUTE_FALLBACKS.labels(site).inc()
            log.warning("no route of site %s is for %r: %s is told to the default, %s", notice.site,
                        notice.escalated_to, notice.alert, delivery.channel)
        if delivery.status is not DeliveryStatus.QUEUED:
            DELIVERIES.labels(delivery.channel, delivery.status).inc()


class LanePositions:
    """Which lanes this worker has, and whether it knows the newest of them. monotonic: seconds."""

    def __init__(self, engine: Any, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._monotonic = engine, monotonic
        # It is asked only while there is something to send: neither an answer nor a silence of hours ago says anything.
        self._silent_since = self._silent_until = -BROKER_AWAY_S

    def mine(self) -> set[int]:
        return set(self._engine.lanes) if self._engine.open else set()

    async def read_to_end(self) -> set[int]:
        """The lanes in which everything has been read that was in them when this was asked.

        A broker that is away for half a minute is asked no longer: nothing newer can come from it, and somebody who
        needs help must not wait for its repair.
        """
        positions = self._engine.positions()
        try:
            ends = await asyncio.wait_for(self._engine.app.consumer.highwaters(*positions), ANSWER_S)
        except (KafkaError, TimeoutError):
            now = self._monotonic()
            if now - self._silent_until >= BROKER_AWAY_S:
                self._silent_since = now
            self._silent_until = now
            away = now - self._silent_since
            if away < BROKER_AWAY_S:
                return set()
            log.warning("the broker has not answered for %d s: sending what is known", away)
            return self.mine()
        self._silent_until = -BROKER_AWAY_S
        return {tp.partition for tp, offset in positions.items() if offset >= ends[tp]}


def _notice(record: ConsumerRecord) -> Notice | None:
    """None where it cannot be read: `record` puts it into quarantine."""
    try:
        return notice_of(parse_object(record.value or b""))
    except ContractError as error:
        log.error("partition %d, offset %d of alerts is told to nobody, as it cannot be read: %s",  # noqa: TRY400
                  record.partition, record.offset, error)
        return None


def _document(notice: Notice, delivery: Delivery, lane: int, now: float) -> dict[str, Any]:
    queued = delivery.status is DeliveryStatus.QUEUED
    return {
        "thread": notice.thread, "alert": notice.alert, "revision": notice.revision, "order": delivery.order,
        "channel": delivery.channel, "lane": lane, "subject": notice.subject, "kind": notice.kind,
        "severity": notice.severity, "change": notice.change, "fallback": delivery.fallback,
        "urgency": urgency(notice), "status": delivery.status, "attempts": 0, "unsure": False,
        "due": float(delivery.due), "until": float(until(notice.changed_at, delivery.due)),
        "changed_at": format_time(notice.changed_at), "at": None if queued else format_time(int(now)), "why": None,
        **({"event": dict(notice.event)} if queued else {})}
