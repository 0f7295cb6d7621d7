"""The page follows the topics `alerts` and `reports` itself, so a new alert shows whether or not `record` runs.

The page reads all partitions, without a group: every instance of the page sees all records. It begins in the recent
past, with the last records of each partition, at most as many as it can read in seconds. The database has the older
ones.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from models.contract.records import parse_object
from models.errors import ContractError
from models.times import parse_time
from runtime.settings import Settings, SettingsError
from streams.kafka import administration, kafka_options
from streams.topics import ALERTS, REPORTS, check_partitions, topics
from web.alerts import alert_of_event
from web.checkins import checkin_of
from web.live import LaneJudgedUntil, Live
from web.refused import refused_of

log = logging.getLogger(__name__)

PAST: Final = {ALERTS: 50_000, REPORTS: 20_000}  # records of a partition
FETCH_WAIT_MS: Final = 100
RETRY_S: Final = 1.0
REPORT: Final = b'{"type":"report"'  # most records of the topic; the board does not need them


class Follower:
    """Reads both topics into `Live`.

    since: when this follower began, real time, epoch seconds.
    lanes: the number of partitions; 0: not known yet.
    caught_up: whether all records have been read that were there when the follower began.
    """

    def __init__(self, settings: Settings, live: Live, real_time: Callable[[], float]) -> None:
        self._settings, self._live, self._real_time = settings, live, real_time
        self.since = real_time()
        self.lanes = 0
        self.caught_up = False

    async def run(self) -> None:
        """Without end; a broker that is away is waited for. Raises SettingsError on topics of other partitions."""
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                log.warning("the topics cannot be followed (ANBU_KAFKA %s): %s", self._settings.kafka, error)
            except SettingsError:
                raise
            except Exception:  # a page that sees nothing must retry, for any reason
                log.exception("the topics cannot be followed")
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(**kafka_options(self._settings), enable_auto_commit=False,
                                    auto_offset_reset="earliest", fetch_max_wait_ms=FETCH_WAIT_MS)
        try:
            await consumer.start()
            ends = await self._seek(consumer)
            while True:
                for records in (await consumer.getmany(timeout_ms=1000, max_records=1000)).values():
                    for record in records:
                        self.take(record)
                if not self.caught_up:
                    self.caught_up = all([await consumer.position(one) >= end for one, end in ends.items()])
                await asyncio.sleep(0)  # a long past must not keep the page from answering
        finally:
            await consumer.stop()

    async def _seek(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Assign all partitions, from their recent past on. Returns the present end of each partition."""
        partitions = await self._partitions()
        self.lanes = sum(one.topic == REPORTS for one in partitions)
        consumer.assign(partitions)
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for one in partitions:
            consumer.seek(one, max(begins[one], ends[one] - PAST[one.topic]))
        return dict(ends)

    async def _partitions(self) -> list[TopicPartition]:
        """All partitions of both topics. Waits for the topics: the worker that declares them may not have started."""
        async with administration(self._settings) as admin:
            while True:
                there = set(await admin.list_topics())
                if PAST.keys() <= there:
                    ours = [topic.name for topic in topics(self._settings) if topic.name in there]
                    found = {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics(ours)
                             if one["partitions"]}  # a broker lists a topic some time after its removal
                    if PAST.keys() <= found.keys():
                        break
                await asyncio.sleep(RETRY_S)
        check_partitions(found, self._settings)
        return [TopicPartition(name, number) for name in PAST for number in range(found[name])]

    def take(self, record: ConsumerRecord) -> None:
        """Take one record. A record that breaks the contract is logged and skipped."""
        if record.value is None or record.value.startswith(REPORT):
            return
        try:
            document = parse_object(record.value)
            if record.topic == ALERTS:
                self._live.take_alert(alert_of_event(document))
            elif document.get("type") == "checkin":
                self._live.take_checkin(checkin_of(document))
            elif document.get("type") == "refused":
                self._live.take_refused(refused_of(document))
            elif document.get("type") == "progress":
                self._live.take_progress(record.partition, self._progress(document, record.timestamp))
        except ContractError as error:
            log.warning("%s/%d/%d: %s", record.topic, record.partition, record.offset, error)

    def _progress(self, document: dict[str, object], timestamp_ms: int) -> LaneJudgedUntil:
        gateways = document.get("gateways")
        if not isinstance(gateways, dict):
            raise ContractError("gateways")
        # The record's own time counts: an old record says nothing of now. If the sender's clock is ahead, the present
        # counts, so that the lane does not seem alive after its sender has gone.
        seen = min(timestamp_ms / 1000, self._real_time())
        return LaneJudgedUntil({name: parse_time(at, "gateways") for name, at in gateways.items()}, seen)
