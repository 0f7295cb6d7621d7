"""Partitions in memory that can be compacted, and a consumer that lets other tasks run between its answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition

AT_ONCE: Final = 3  # offsets of one poll


@dataclass
class Log:
    """Partition 0 of a topic. end: the offset of the next record."""

    topic: str
    records: list[ConsumerRecord[bytes, bytes]] = field(default_factory=list)
    end: int = 0

    def write(self, *pairs: tuple[bytes, bytes | None]) -> None:
        for key, value in pairs:
            self.records.append(ConsumerRecord(self.topic, 0, self.end, 0, 0, key, value, None, 0, 0, ()))
            self.end += 1

    def clean(self, before: int) -> None:
        """Keep only the last record of each key before an offset."""
        last = {record.key: record.offset for record in self.records if record.offset < before}
        self.records = [one for one in self.records if one.offset >= before or last[one.key] == one.offset]


class LogReader:
    """The part of the consumer of `changelog.reader` that lanes use."""

    def __init__(self, *logs: Log) -> None:
        self._logs, self._at = {log.topic: log for log in logs}, 0

    async def beginning_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        await asyncio.sleep(0)
        return dict.fromkeys(tps, 0)

    async def end_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        await asyncio.sleep(0)
        return {tp: self._logs[tp.topic].end for tp in tps}

    def assign(self, _: Sequence[TopicPartition]) -> None: ...

    def seek(self, _: TopicPartition, offset: int) -> None:
        self._at = offset

    async def position(self, _: TopicPartition) -> int:
        return self._at

    async def getmany(self, tp: TopicPartition, **_: int) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(0)
        log, start = self._logs[tp.topic], self._at
        self._at = min(start + AT_ONCE, log.end)
        return {tp: [one for one in log.records if start <= one.offset < self._at]}
