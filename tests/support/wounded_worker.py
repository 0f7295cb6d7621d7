"""A worker that stops at one exact point of making a batch durable: `faust -A support.wounded_worker worker`.

WOUND=POINT:ACT[:TOPIC]. POINT: before_plan, after_plan, amid_outputs, after_outputs, amid_states, after_done.
ACT: kill or freeze (SIGKILL, SIGSTOP to itself), hang (wait for ever), block (the event loop).
TOPIC: only where the batch is of this input.
RENEW_S, STALLED_S, LEFT_S: of the engine, shorter than anybody would wait for.
BLIND=S: for so many seconds it sees no input topic, as who asks a broker that has just started.
FOLD_S=S: the fold of a batch of SMS takes so long, in slices.
LOAD=S[:N]: to read a changelog takes so long, but for the first N; S may be inf.
UNCOMMITTED=1: the group's commit, which only shows the lag, never comes.
CODE: of the fold, as if this were another version of it.
SLOW=S: it takes so many seconds for each record of a changelog that it reads back, and tells how far it is after each.
STAY=1: told to leave, its consumer never comes to an end.
FORGET=plan: a worker that ignores an unfinished plan, as one would be that did not write any.
HOLD=TOPIC:OTHER:OFFSET: it reads TOPIC only after OTHER has come to OFFSET; chance made certain.
START=1: the broker goes away while Faust's producer starts.
CRASH=1: each poll ends with an error that nobody expects.
STRAY=1: once lanes are taken over, a poll brings records to nobody, as one does that a rebalance has overtaken.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaConnectionError
from faust.transport.drivers.aiokafka import Producer
from faust.types import TP

from models.contract.topics import INPUTS
from runtime.settings import Settings
from streams.engine import changelog as changelog_module
from streams.engine import state_lane as lane_module
from streams.engine.batch import Batch, Folding, OutputRecord
from streams.engine.changelog import DONE, OWNER, PLAN, LoadedChangelog, load, read
from streams.engine.ports import Limits
from streams.engine.state_lane import StateLane
from streams.engine.transport import Consumer, ConsumerThread
from streams.engine.writer import Writer
from streams.topics import SMS
from worker.compose import build

_POINT, _ACT, _TOPIC = [*os.environ.get("WOUND", "").split(":"), "", "", ""][:3]
_writes, _writes_outputs, _applies, _active, _seeks = (
    Writer.write, Writer.write_outputs, StateLane.apply, Consumer._get_active_partitions, Consumer.perform_seek)
_LIMITS = {name: float(os.environ[name.upper()]) for name in ("renew_s", "stalled_s", "left_s")
           if name.upper() in os.environ}
_engine = build(Settings.from_env(os.environ), Limits(**_LIMITS))
app = _engine.app
_sees, _BEGAN = ClusterMetadata.partitions_for_topic, time.monotonic()
_in_hand: list[str] = []
_hurt: list[str] = []


async def _at(point: str) -> None:
    if point != _POINT or _hurt or (_TOPIC and _in_hand[-1] != _TOPIC):
        return
    _hurt.append(point)
    if _ACT == "hang":
        await asyncio.Event().wait()
    elif _ACT == "block":
        time.sleep(10_000)  # noqa: ASYNC251 - that is the fault
    else:
        os.kill(os.getpid(), signal.SIGKILL if _ACT == "kill" else signal.SIGSTOP)


async def _apply(self: StateLane, batch: Batch) -> None:
    _in_hand.append(batch.tp.topic)
    await _applies(self, batch)


async def _write(self: Writer, topic: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
    some = list(records)
    last = some[-1][0]
    if last == PLAN:
        await _at("before_plan")
    elif last == DONE and _POINT == "amid_states" and not _hurt:
        await _writes(self, topic, some[:-1])
        await _at("amid_states")
        some = some[-1:]
    await _writes(self, topic, some)
    if last != OWNER:
        await _at("after_plan" if last == PLAN else "after_done")


async def _write_outputs(self: Writer, outputs: Iterable[OutputRecord]) -> None:
    some: Sequence[OutputRecord] = list(outputs)
    if _POINT == "amid_outputs" and len(some) > 1:
        await _writes_outputs(self, some[:1])
        await _at("amid_outputs")
        some = some[1:]
    await _writes_outputs(self, some)
    await _at("after_outputs")


async def _load_without_plan(*arguments: Any) -> LoadedChangelog:
    return (await load(*arguments))._replace(plan=None)


async def _read_slowly(*arguments: Any, **named: Any) -> AsyncIterator[ConsumerRecord]:
    async for record in read(*arguments, **named):
        await asyncio.sleep(float(os.environ["SLOW"]))
        yield record


_loaded: list[str] = []


async def _load_slowly(*arguments: Any) -> LoadedChangelog:
    seconds, quick = [*os.environ["LOAD"].split(":"), "0"][:2]
    _loaded.append(seconds)
    if len(_loaded) > int(quick):
        await asyncio.sleep(float(seconds))
    return await load(*arguments)


def _fold_slowly(state: Any, records: Sequence[Any]) -> Iterator[Sequence[OutputRecord]]:
    until = time.monotonic() + float(os.environ["FOLD_S"]) * (records[0].topic == SMS)
    while time.monotonic() < until:
        time.sleep(0.01)
        yield []
    yield from _folding.fold(state, records)


def _get_active_partitions(self: Any) -> set[TP]:
    topic, other, offset = os.environ["HOLD"].split(":")
    lanes = self.app.engine.lanes
    return {tp for tp in _active(self) if tp.topic != topic
            or (tp.partition in lanes and lanes[tp.partition].next[other] >= int(offset))}


def _partitions_for_topic(self: ClusterMetadata, topic: str) -> Any:
    blind = topic in INPUTS and time.monotonic() - _BEGAN < float(os.environ["BLIND"])
    return None if blind else _sees(self, topic)


async def _no_commit(*_: Any, **__: Any) -> bool:
    return True


async def _never(_: ConsumerThread) -> None:
    await asyncio.Event().wait()


async def _no_start(_: Any) -> None:
    raise KafkaConnectionError("planted")


async def _getmany(*_: Any) -> AsyncIterator[Any]:
    raise KafkaConnectionError("planted")
    yield


async def _perform_seek(self: Any) -> None:
    await _seeks(self)
    lost = 0
    while not lost:
        polled = await self._thread.call_thread(self._thread._ensure_consumer()._fetcher.fetched_records, set(), 1.0)
        lost = sum(map(len, polled.values()))
    sys.stderr.write(f"lost: {lost}\n")


Writer.write, Writer.write_outputs, StateLane.apply = _write, _write_outputs, _apply  # type: ignore[method-assign]
if os.environ.get("FORGET") == "plan":
    lane_module.load = _load_without_plan  # type: ignore[attr-defined,assignment]
if "LOAD" in os.environ:
    lane_module.load = _load_slowly  # type: ignore[attr-defined,assignment]
if _engine.folding is not None:
    _folding = _engine.folding
    _engine.folding = Folding(_folding.new_state, _fold_slowly if "FOLD_S" in os.environ else _folding.fold,
                              os.environ.get("CODE", _folding.code))
if "HOLD" in os.environ:
    Consumer._get_active_partitions = _get_active_partitions
if "BLIND" in os.environ:
    ClusterMetadata.partitions_for_topic = _partitions_for_topic
if "UNCOMMITTED" in os.environ:
    Consumer.commit = _no_commit
if "SLOW" in os.environ:
    changelog_module.read = _read_slowly
    changelog_module.TOLD_EVERY = 1  # type: ignore[misc]
if "STAY" in os.environ:
    ConsumerThread.on_thread_stop = _never
if "START" in os.environ:
    Producer.on_start = _no_start
if "CRASH" in os.environ:
    Consumer.getmany = _getmany  # type: ignore[method-assign,assignment]
if "STRAY" in os.environ:
    Consumer.perform_seek = _perform_seek  # type: ignore[method-assign]

__all__ = ["app"]
