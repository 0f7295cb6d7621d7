"""A worker has one lane for each partition number that its group assigns to it.

A rebalance shuts the gate and waits until the lanes stand still. The new assignment opens the gate again. A lane that
stays goes on at once; a new lane first reads its state back.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import NoReturn

from faust.types import TP

from runtime.settings import Settings
from streams.engine.lane import Lane
from streams.engine.ports import Limits

log = logging.getLogger(__name__)


class Assignment(ABC):
    """The lanes of a worker, as its group assigns them.

    inputs: topics with equal partition counts; partition n of all inputs is lane n.
    changelog: the topic that keeps the states of the lanes.
    lanes: by number, the lanes that are judging.
    opening_lanes: by number, the lanes that are being taken over; the other lanes go on meanwhile.
    torn: partitions that are new, or are not assigned for all inputs; they have no lane.
    generation: the group's generation at the newest assignment; -1: no assignment yet.
    quiesced: how often `quiesce` was called.
    """

    def __init__(self, settings: Settings, inputs: Sequence[str], changelog: str, limits: Limits) -> None:
        self.settings, self.changelog, self.limits = settings, changelog, limits
        self.inputs, self._partitions = tuple(inputs), settings.partitions
        self.lanes: dict[int, Lane] = {}
        self.opening_lanes: dict[int, Lane] = {}
        self.torn: set[int] = set()
        self.generation = -1
        self.quiesced = 0
        self._gate = asyncio.Event()  # shut from the start of a rebalance until the lanes are assigned
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._numbers: set[int] = set()  # the lanes that the assignment gives
        self._quiesced_when_assigned = 0

    @abstractmethod
    def _lane(self, number: int) -> Lane:
        """Make the lane of a partition."""

    @property
    @abstractmethod
    def _rebalance_limit_s(self) -> float:
        """How long a batch may hold up a rebalance, seconds."""

    @abstractmethod
    def die(self, why: str, error: BaseException | None = None) -> NoReturn:
        """End the process at once."""

    @abstractmethod
    def kept_out(self, error: Exception) -> None:
        """End the process if the brokers keep this worker out of its group and waiting does not help; else return."""

    @property
    def open(self) -> bool:
        return self._gate.is_set()

    async def wait_open(self) -> None:
        while not self.open:  # the gate may be shut again before the waiting task has its turn
            await self._gate.wait()

    def positions(self) -> dict[TP, int]:
        """The offset from which each input partition of the valid lanes goes on."""
        return {TP(topic, number): offset for number, lane in self.lanes.items() if lane.valid
                for topic, offset in lane.committable.items()}

    def commits(self) -> dict[TP, int]:
        """The offset to commit for each input partition of the valid lanes."""
        return {TP(topic, number): offset for number, lane in self.lanes.items() if lane.valid
                for topic, offset in lane.to_commit.items()}

    async def quiesce(self) -> None:
        """Shut the gate, drop the waiting batches, wait for the batches in hand. Then every lane stands still."""
        self._gate.clear()
        self.quiesced += 1
        for number, lane in self.opening_lanes.items():
            # If the partition is lost, a take-over that goes on would fence the rightful owner.
            if not lane.loading_changelog:
                lane.valid = False
                self._cancel(number)
        for lane in self.lanes.values():
            lane.drop_waiting()
        limit = self._rebalance_limit_s
        if await self._busy(limit / 2):
            for lane in self.lanes.values():
                lane.break_off()  # such as the deadline of very many people; the next owner of the lane folds it again
            if await self._busy(limit / 2):
                self.die(f"a batch took more than {limit} s")

    async def _busy(self, limit_s: float) -> bool:
        """Wait for the batches in hand. Returns whether any batch is still in hand."""
        waiting = [asyncio.ensure_future(lane.idle.wait()) for lane in self.lanes.values()]
        pending = (await asyncio.wait(waiting, timeout=limit_s))[1] if waiting else set()
        for one in pending:
            one.cancel()
        return bool(pending)

    def assigned(self, assigned: Iterable[TP], generation: int) -> None:
        """Note an assignment. Another rebalance may begin before `take_over` is called."""
        held = set(assigned)
        numbers = {tp.partition for tp in held if tp.topic in self.inputs}
        self.torn = {number for number in numbers if number >= self._partitions
                     or not all(TP(topic, number) in held for topic in self.inputs)}
        if self.torn:  # partitions were added; or a topic was not there yet, and Faust sees it later and rebalances
            log.error("partitions %s are not started: they are not assigned for all of %s, or are new",
                      sorted(self.torn), self.inputs)
        self._numbers = numbers - self.torn
        # A lane keeps its state only if no generation lies between (a frozen worker has missed some). Otherwise another
        # worker may have owned the lane. Faust's `newly_assigned` does not distinguish the two cases.
        for number, lane in [*self.lanes.items(), *self.opening_lanes.items()]:
            lane.valid &= number in self._numbers and generation == self.generation + 1
        self.generation, self._quiesced_when_assigned = generation, self.quiesced

    async def take_over(self) -> bool:
        """Set the lanes as assigned. Lanes that stay go on at once; new lanes go on when their state is read back.

        Returns False if another rebalance has begun, which brings its own call. Lanes that open now would shut out
        their next owner.
        """
        assigned = self._quiesced_when_assigned
        if self.quiesced != assigned:
            return False
        await self._let_go([lane for lane in [*self.lanes.values(), *self.opening_lanes.values()] if not lane.valid])
        if self.quiesced != assigned:
            return False
        self._gate.set()
        for number in sorted(self._numbers - self.lanes.keys() - self.opening_lanes.keys()):
            lane = self.opening_lanes[number] = self._lane(number)
            self._opening[number] = asyncio.create_task(self._open(lane))
        return True

    async def _open(self, lane: Lane) -> None:
        try:
            await lane.take_over()
        except Exception as error:  # noqa: BLE001 - any error ends the process
            self.die(f"take-over of lane {lane.number}", error)
        if lane.valid:
            del self._opening[lane.number]
            self.lanes[lane.number] = self.opening_lanes.pop(lane.number)

    def _cancel(self, number: int) -> None:
        """Cancel a take-over once: a second cancellation would interrupt the clean-up after the first."""
        if not self._opening[number].cancelling():
            self._opening[number].cancel()

    async def _let_go(self, gone: Sequence[Lane]) -> None:
        """Drop lanes, whether they are open or being taken over."""
        opening = [self._opening[lane.number] for lane in gone if self.opening_lanes.get(lane.number) is lane]
        for lane in gone:
            if self.opening_lanes.get(lane.number) is lane:
                self._cancel(lane.number)
                del self._opening[lane.number], self.opening_lanes[lane.number]
            else:
                del self.lanes[lane.number]
        await asyncio.gather(*opening, return_exceptions=True)
        await asyncio.gather(*(lane.drop() for lane in gone))

    async def close(self) -> None:
        self._gate.clear()
        await self._let_go([*self.lanes.values(), *self.opening_lanes.values()])
