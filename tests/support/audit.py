"""The verdict on a run: the pure core folds the input again, in the order in which each lane read it.

Which of several topics a lane read first is an accident; the history of `done` in the changelog tells it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from models.contract.documents import Output
from models.contract.outputs import FORWARDED
from models.contract.topics import INPUTS
from models.errors import RejectReason
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.wire.keys import KeyRing
from runtime.settings import Settings
from streams.engine.changelog import DONE, OWNER, PLAN, States, load, read, reader
from streams.partition import partition_of
from streams.topics import ALERTS, ASKS, QUARANTINE, REPORTS, SMS, changelog
from support.expected_history import Said

OUTPUTS: Final = (ALERTS, REPORTS, QUARANTINE, ASKS)


@dataclass
class Audit:
    """problems: in words, empty where all is right; said: what the database has to hold; repeats: seen again;
    asked: the records of topic `asks`; forwarded, arrived: what was sent on to another lane, and what came there so.
    """

    problems: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    inputs: int = 0
    outputs: int = 0
    repeats: int = 0
    owners: int = 0
    forwarded: set[tuple[str, int, bytes | None, bytes | None]] = field(default_factory=set)
    arrived: set[tuple[str, int, bytes | None, bytes | None]] = field(default_factory=set)


async def audit(settings: Settings, keys: KeyRing, former: Mapping[str, int] | None = None) -> Audit:
    """former: by topic, how many records of each lane a worker of the version before has written; what it left in the
    changelog is where the audit begins, and its outputs are not looked at."""
    found = Audit()
    await asyncio.gather(*(_lane(number, settings, keys, found, former or {}) for number in range(settings.partitions)))
    found.problems += [f"sent on, and not in its lane: {one}" for one in found.forwarded - found.arrived]
    found.problems += [f"in a lane as if it had been sent on: {one}" for one in found.arrived - found.forwarded]
    return found


async def _topic(consumer: AIOKafkaConsumer, topic: str, number: int) -> list[ConsumerRecord]:
    return [record async for record in read(consumer, TopicPartition(topic, number))]


async def _lane(number: int, settings: Settings, keys: KeyRing, found: Audit, former: Mapping[str, int]) -> None:
    async with reader(settings) as consumer:
        await _check(consumer, number, settings, keys, found, former)


def _taken_over(records: list[ConsumerRecord], lane: LaneState) -> tuple[dict[bytes, bytes | None], dict[str, int]]:
    """The states and positions of the last `done`; the lane gets the states."""
    states, pending, positions = dict[bytes, bytes | None](), dict[bytes, bytes | None](), dict.fromkeys(INPUTS, 0)
    for record in records:
        if record.key == DONE:
            positions |= orjson.loads(record.value)
            states |= pending
            pending.clear()
        elif record.key not in (PLAN, OWNER):
            pending[record.key] = record.value
    for key, value in states.items():
        lane.restore(key, value)
    lane.ready()
    return states, positions


async def _check(consumer: AIOKafkaConsumer, number: int, settings: Settings, keys: KeyRing, found: Audit,
                 former: Mapping[str, int]) -> None:
    inputs = {topic: await _topic(consumer, topic, number) for topic in INPUTS}
    log, old = await _topic(consumer, changelog(settings), number), former.get(changelog(settings), 0)
    lane, fold = LaneState(number), Fold(keys, lambda subject: partition_of(subject, settings.partitions))
    (states, at), expected = _taken_over(log[:old], lane), defaultdict(set)

    def fold_to(positions: dict[str, int]) -> None:
        for topic, end in positions.items():
            for record in inputs[topic][at[topic]:end]:
                outputs = fold(lane, record)
                for output in outputs:
                    if output.partition is not None:
                        found.forwarded.add((output.topic, output.partition, output.key, output.value))
                    else:
                        expected[output.topic].add((output.key, output.value))
                if topic != SMS and not any(one.partition is not None or _malformed(one) for one in outputs):
                    found.said.append(_said(record))
            at[topic] = end
        states.update(lane.take_touched())

    def without_effect(positions: dict[str, int]) -> bool:
        copy = deepcopy(lane)
        said = [output for topic, end in positions.items() for record in inputs[topic][at[topic]:end]
                for output in fold(copy, record)]
        return not said and not copy.take_touched()

    for record in log[old:]:
        if record.key == DONE:
            positions = orjson.loads(record.value)
            advanced = [topic for topic in INPUTS if positions[topic] != at[topic]]
            if any(positions[topic] < at[topic] for topic in advanced):
                found.problems.append(f"lane {number}: done goes back from {at} to {positions}")
            # Batches without effect leave no trace: they may lie between two others, and before this one.
            last = [topic for topic in advanced if len(advanced) == 1 or without_effect(
                {other: positions[other] for other in advanced if other != topic})]
            if advanced and not last:  # if no position has advanced, states of an unfinished batch were taken back
                found.problems.append(f"lane {number}: more than one batch had effects from {at} to {positions}")
            fold_to(dict(sorted(positions.items(), key=lambda one: one[0] in last[:1])))
        elif record.key == OWNER:
            found.owners += 1
    fold_to({topic: len(records) for topic, records in inputs.items()})  # what had no effect any more
    await load(consumer, TopicPartition(changelog(settings), number), kept := States())
    found.inputs += sum(len(records) for records in inputs.values())
    found.problems += [f"lane {number}: the state of {key!r} is not what the core makes of the input"
                       for key in sorted(states.keys() | kept.keys()) if states.get(key) != kept.get(key)]
    for topic in OUTPUTS:
        records = [record for record in (await _topic(consumer, topic, number))[former.get(topic, 0):]
                   if topic != REPORTS or orjson.loads(record.value)["type"] != "progress"]
        there = {(record.key, record.value) for record in records}
        found.outputs += len(expected[topic])
        found.repeats += len(records) - len(there)
        found.problems += [f"{topic} {number}: missing {value!r}" for _, value in expected[topic] - there]
        found.problems += [f"{topic} {number}: not expected {value!r}" for _, value in there - expected[topic]]
        found.said += [_said(record) for record in records if topic in (ALERTS, REPORTS)]
        found.asked += [orjson.loads(record.value) for record in records if topic == ASKS]
    found.arrived |= {(topic, number, one.key, one.value) for topic in INPUTS for one in inputs[topic]
                      if any(name == FORWARDED for name, _ in one.headers)}


def _malformed(output: Output) -> bool:
    return output.topic == QUARANTINE and bool(orjson.loads(output.value or b"")["reason"] == RejectReason.MALFORMED)


def _said(record: ConsumerRecord) -> Said:
    value: Any = None if record.value is None else orjson.loads(record.value)
    return Said(record.topic, record.offset, None if record.key is None else record.key.decode(), value)
