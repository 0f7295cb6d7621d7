"""`notify` writes deliveries to the database before it sends any: no slow channel holds up a lane.

A record of `alerts` becomes deliveries, and the sender of each channel sends them.

    alerts ─▶ deliveries, durable ─▶ the position moves        (this file; it waits only for the database)
              deliveries ─▶ one sender a channel ─▶ receipts   (agents/sender.py)

So no slow channel holds up a lane, a rebalance or another channel. After a crash the decisions are in the database.
models/notifications/telling.py decides which channel is notified of which revision.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

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
from stores.projection.document import Document
from streams.engine.engine import Engine
from streams.topics import ALERTS

log = logging.getLogger(__name__)

NOTIFY_INPUTS: Final = (ALERTS,)
ANSWER_S: Final = 3.0
BROKER_AWAY_S: Final = 30.0
UNKNOWN: Final = "unknown"  # stands for the channel of deliveries that no channel will send


class NotifyAgent:
    """Makes deliveries of alerts.

    queued: called when deliveries were added.
    """

    def __init__(self, outbox: Outbox, routes: Routes, clock: Clock, queued: Callable[[], None],
                 asking: Asking) -> None:
        self._outbox, self._routes, self._clock = outbox, routes, clock
        self._queued, self._asking = queued, asking
        for site in routes.sites:
            ROUTE_FALLBACKS.labels(site)

    async def handle(self, batch: Sequence[ConsumerRecord]) -> None:
        """Decide about a batch. Returns when all its decisions are durable."""
        found = [(record.partition, notice) for record in batch if (notice := _notice(record)) is not None]
        subjects = {notice.subject for _, notice in found if notice.subject is not None}
        erased = await self._asking.durably(lambda: self._outbox.erased(subjects))
        threads: defaultdict[tuple[str, int], list[Notice]] = defaultdict(list)
        for partition, notice in found:
            if notice.subject not in erased:
                threads[notice.thread, partition].append(notice)
            elif notice.change not in FOLLOW_UPS:  # an old record, or a person with an erased number
                log.error("no notification for %s (%s): %d was erased; anbu doctor says whether the number is in use",
                          notice.alert, notice.change, notice.subject)
        for (_, partition), notices in threads.items():
            try:
                await self._asking.durably(partial(self._decide, notices, partition))
            except StoreRefusedError as error:  # an endless retry would hold up all other alerts
                log.error("no notification for %s: the decision cannot be stored: %s", notices[0].alert, error)  # noqa: TRY400
                DELIVERIES.labels(UNKNOWN, DeliveryStatus.FAILED).inc(len(notices))
        # If a person was erased during these writes, the writes are deleted here. Either `erase` saw the documents, or
        # this check sees the entry in `erased`. The check includes people who were erased earlier: a process may have
        # died between its writes and this check, and the batch comes again.
        if erased := await self._asking.durably(lambda: self._outbox.erased(subjects)):
            await self._asking.durably(partial(self._outbox.forget, erased))
        if threads:
            self._queued()

    async def _decide(self, notices: list[Notice], lane: int) -> None:
        """Decide about revisions of one alert. A repetition after a break at any point gives the same result."""
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
            log.warning("site %s has no route for %r: %s goes to the default channel, %s", notice.site,
                        notice.escalated_to, notice.alert, delivery.channel)
        if delivery.status is not DeliveryStatus.QUEUED:
            DELIVERIES.labels(delivery.channel, delivery.status).inc()


class LanePositions:
    """The lanes of this worker, and those of them that are read to the end.

    monotonic: a clock in seconds.
    """

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._monotonic = engine, monotonic
        # The broker is asked only while deliveries wait, so an answer or a silence of hours ago proves nothing.
        self._silent_since = self._silent_until = -BROKER_AWAY_S

    def mine(self) -> set[int]:
        return set(self._engine.lanes) if self._engine.open else set()

    async def read_to_end(self) -> set[int]:
        """Return the lanes in which all records have been read that were there at the time of the call.

        If the broker has been away for 30 s (BROKER_AWAY_S), all lanes of this worker count as read: nothing newer can
        come from the broker, and a person who needs help must not wait for its repair.
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
            log.warning("the broker has not answered for %d s: sending the messages that are known", away)
            return self.mine()
        self._silent_until = -BROKER_AWAY_S
        return {tp.partition for tp, offset in positions.items() if offset >= ends[tp]}


def _notice(record: ConsumerRecord) -> Notice | None:
    """Return the notice of a record; None if it cannot be read. `record` puts such a record into quarantine."""
    try:
        return notice_of(parse_object(record.value or b""))
    except ContractError as error:
        log.error("no notification for partition %d, offset %d of alerts, which cannot be read: %s",  # noqa: TRY400
                  record.partition, record.offset, error)
        return None


def _document(notice: Notice, delivery: Delivery, lane: int, now: float) -> Document:
    queued = delivery.status is DeliveryStatus.QUEUED
    return {
        "thread": notice.thread, "alert": notice.alert, "revision": notice.revision, "order": delivery.order,
        "channel": delivery.channel, "lane": lane, "subject": notice.subject, "kind": notice.kind,
        "severity": notice.severity, "change": notice.change, "fallback": delivery.fallback,
        "urgency": urgency(notice), "status": delivery.status, "attempts": 0, "unsure": False,
        "due": float(delivery.due), "until": float(until(notice.changed_at, delivery.due)),
        "changed_at": format_time(notice.changed_at), "at": None if queued else format_time(int(now)), "why": None,
        **({"event": dict(notice.event)} if queued else {})}
