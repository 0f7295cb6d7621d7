"""`ask` sends the questions of the topic `asks` to devices: at least once, and none after its deadline.

    asks ─▶ questions in hand                            (this file; `handle` waits for no provider)
            questions in hand ─▶ one asker a channel     (agents/asker.py)

The committed position stays before the first question in hand. After a crash the questions from there on come again,
and a device ignores a question that it has heard. No channel waits for another one, and no lane waits for a channel.
There are no receipts: the answer is a report.
"""

import asyncio
import logging
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aiokafka import ConsumerRecord

from agents.asker import Asker, QuestionInHand
from models.contract.asks import parse_ask
from models.contract.records import parse_object
from models.errors import ContractError
from models.notifications.asks import AskStatus, channel_of, valid_s
from models.notifications.routes import EVERYWHERE
from notifiers.routes_file import LoadedRoutes
from runtime.clock import Clock
from runtime.metrics import QUESTIONS
from runtime.tasks import run_together
from streams.topics import ASKS

log = logging.getLogger(__name__)

ASK_INPUTS: Final = (ASKS,)
REPORT_S: Final = 60.0
UNKNOWN_GATEWAY: Final = "unknown"  # stands for the gateway of a record that cannot be read


class AskAgent:
    """The questions in hand, and the askers that send them.

    lane: returns the present lane of a partition; None: another worker has it.
    dice: returns a random number in [0, 1).
    """

    def __init__(self, routes: LoadedRoutes, clock: Clock, lane: Callable[[int], object | None],
                 dice: Callable[[], float] = random.random) -> None:
        self._routes, self._clock, self._lane = routes.asks, clock, lane
        self._askers = {name: Asker(name, one, clock, self._over, self._is_mine, dice)
                        for name, one in routes.ask_channels.items()}
        # By partition and offset
        self._in_hand: defaultdict[int, dict[int, QuestionInHand]] = defaultdict(dict)
        # The reasons since the last report, by gateway and status
        self._not_sent: defaultdict[tuple[str, AskStatus], Counter[str]] = defaultdict(Counter)
        for gateway in {*routes.asks, UNKNOWN_GATEWAY} - {EVERYWHERE}:
            for status in AskStatus:
                QUESTIONS.labels(gateway, status)  # Prometheus sees a rise only if the counter exists before it

    async def handle(self, batch: Sequence[ConsumerRecord]) -> None:
        """Take a batch in hand. What cannot be sent is counted, and holds up nothing."""
        for record in batch:
            self._take(record)

    def held(self, partition: int) -> Mapping[str, int]:
        """By topic, the offset of the first question in hand: the position may not move past it."""
        lane = self._lane(partition)
        offsets = [offset for offset, one in self._in_hand[partition].items() if one.lane is lane]
        return {ASKS: min(offsets)} if offsets else {}

    async def run(self) -> None:
        """Run until cancelled; then finish the current attempts."""
        try:
            await run_together((self._report(), *(one.run() for one in self._askers.values())))
        finally:
            await asyncio.gather(*(one.finish() for one in self._askers.values()))
            self.report_now()

    def _take(self, record: ConsumerRecord) -> None:
        try:
            ask = parse_ask(parse_object(record.value or b""))
        except ContractError as error:
            self._count(UNKNOWN_GATEWAY, AskStatus.FAILED, f"the record cannot be read: {error}")
            return
        channel = channel_of(self._routes, ask.gateway)
        if valid_s(ask.until, self._clock.now()) is None:
            self._count(ask.gateway, AskStatus.EXPIRED, "read after the deadline")
        elif channel is None:
            self._count(ask.gateway, AskStatus.UNROUTED, "the routes file names no channel in `asks`")
        else:
            question = QuestionInHand(ask, self._lane(record.partition), record.partition, record.offset)
            self._in_hand[record.partition][record.offset] = question
            self._askers[channel].put(question)

    def _is_mine(self, question: QuestionInHand) -> bool:
        """Whether the lane of the question is still here. Its next owner reads the question again."""
        if self._lane(question.partition) is question.lane:
            return True
        self._forget(question)
        return False

    def _over(self, question: QuestionInHand, status: AskStatus, why: str) -> None:
        self._forget(question)
        self._count(question.ask.gateway, status, why)

    def _forget(self, question: QuestionInHand) -> None:
        offsets = self._in_hand[question.partition]
        if offsets.get(question.offset) is question:  # the lane may have come back, and brought the record again
            del offsets[question.offset]

    def _count(self, gateway: str, status: AskStatus, why: str) -> None:
        QUESTIONS.labels(gateway, status).inc()
        if status is not AskStatus.SENT:
            self._not_sent[gateway, status][why] += 1

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            self.report_now()

    def report_now(self) -> None:
        """Log what was not sent since the last report: a line for each gateway and status, not for each question."""
        for (gateway, status), reasons in sorted(self._not_sent.items()):
            (most, _), *others = reasons.most_common(2)
            log.warning("%d questions to devices of %s were not sent (%s): %s%s", reasons.total(), gateway, status,
                        "mostly " if others else "", most)
        self._not_sent.clear()
