"""Each channel of questions has one asker. The question with the nearest deadline goes first, at the channel's rate.

A failed attempt is retried until the deadline. A pause that the provider asks for holds for all its questions: the
others would be refused too. An attempt ends before the deadline, and the provider learns for how long the question is
worth delivering.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Final

from models.contract.asks import Ask
from models.notifications.asks import AskStatus, retry_at, valid_s
from models.notifications.telling import LONGEST_ASKED_S, wait_s
from notifiers.ports import ATTEMPT_S, GiveUpError, RetryError, Text
from notifiers.routes_file import AskChannel
from runtime.clock import Clock
from runtime.metrics import QUESTION_RETRIES, QUESTIONS_WAITING

log = logging.getLogger(__name__)

FEWEST_AT_ONCE, MOST_AT_ONCE = 8, 64  # attempts of one channel; a fast channel needs more of them
LOOK_S: Final = 1.0
VIRTUAL_LOOK_S: Final = 0.02  # a virtual clock may run a thousand times as fast
FINISH_S: Final = 10.0


class QuestionInHand:
    """A question in hand.

    lane: the lane that read it.
    partition, offset: of its record.
    """

    __slots__ = ("ask", "attempts", "lane", "offset", "partition")

    def __init__(self, ask: Ask, lane: object | None, partition: int, offset: int) -> None:
        self.ask, self.lane, self.partition, self.offset = ask, lane, partition, offset
        self.attempts = 0


class Asker:
    """The sender of one channel.

    over: called with a question that needs no further attempt, its status and the reason.
    is_mine: whether a question still is for this worker to send.
    dice: returns a random number in [0, 1).
    """

    def __init__(self, name: str, configured: AskChannel, clock: Clock,
                 over: Callable[[QuestionInHand, AskStatus, str], None], is_mine: Callable[[QuestionInHand], bool],
                 dice: Callable[[], float]) -> None:
        self._name, self._channel, self._gap_s = name, configured.channel, 1 / configured.per_s
        self._at_once = min(max(FEWEST_AT_ONCE, int(2 * configured.per_s)), MOST_AT_ONCE)
        self._clock, self._over, self._is_mine, self._dice = clock, over, is_mine, dice
        self._ready: list[tuple[int, int, QuestionInHand]] = []    # a heap: deadline, order
        self._later: list[tuple[float, int, QuestionInHand]] = []  # a heap: time of the next attempt, order
        self._order = count()
        self._not_before = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        QUESTION_RETRIES.labels(name)
        QUESTIONS_WAITING.labels(name).set(0)

    def put(self, question: QuestionInHand) -> None:
        heappush(self._ready, (question.ask.until, next(self._order), question))
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            now = self._clock.now()
            self._sort_out(now)
            QUESTIONS_WAITING.labels(self._name).set(len(self._ready) + len(self._later) + len(self._tasks))
            if self._ready and len(self._tasks) < self._at_once and now >= self._not_before:
                self._start(heappop(self._ready)[2], now)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self._look_s(now))

    async def finish(self) -> None:
        """Let the current attempts end. A question whose attempt does not end in time comes again."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._channel.close()

    def _sort_out(self, now: float) -> None:
        """Make retries ready that are due, and drop what is too late."""
        while self._later and self._later[0][0] <= now:
            _, order, question = heappop(self._later)
            heappush(self._ready, (question.ask.until, order, question))
        while self._ready and valid_s(self._ready[0][0], now) is None:
            question = heappop(self._ready)[2]
            if self._is_mine(question):
                self._over(question, AskStatus.EXPIRED, "its turn came after the deadline")

    def _look_s(self, now: float) -> float:
        """Seconds of real time until something may be due."""
        if self._clock.virtual:
            return VIRTUAL_LOOK_S
        due = [self._later[0][0]] if self._later else []
        if self._ready and len(self._tasks) < self._at_once:
            due.append(self._not_before)
        return min(LOOK_S, max(0.0, min(due) - now)) if due else LOOK_S

    def _start(self, question: QuestionInHand, now: float) -> None:
        if not self._is_mine(question):
            return
        self._not_before = max(now, self._not_before) + self._gap_s
        task = asyncio.create_task(self._attempt(question, now))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._woken.set()

    async def _attempt(self, question: QuestionInHand, now: float) -> None:
        ask, left_s = question.ask, valid_s(question.ask.until, now)
        if left_s is None:
            self._over(question, AskStatus.EXPIRED, "its turn came after the deadline")
            return
        question.attempts += 1
        try:
            async with asyncio.timeout(min(ATTEMPT_S, left_s)):
                await self._channel.send_text(Text(f"{ask.subject}/{ask.id}", ask.to, ask.text, left_s))
        except RetryError as error:
            self._again(question, str(error), error.after_s)
        except TimeoutError:
            self._again(question, "no answer in time", None)
        except GiveUpError as error:
            self._over(question, AskStatus.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - the other questions go on; the report names the fault
            self._over(question, AskStatus.FAILED, f"a fault of Anbu: {type(error).__name__}")
        else:
            self._over(question, AskStatus.SENT, "")

    def _again(self, question: QuestionInHand, why: str, asked_s: float | None) -> None:
        now = self._clock.now()
        if asked_s is not None:
            self._not_before = max(self._not_before, now + min(asked_s, LONGEST_ASKED_S))
        due = retry_at(question.ask.until, now, wait_s(question.attempts, self._dice(), asked_s))
        if due is None:
            self._over(question, AskStatus.FAILED, why)
            return
        QUESTION_RETRIES.labels(self._name).inc()
        heappush(self._later, (due, next(self._order), question))
