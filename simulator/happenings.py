"""All that happens to a fleet is in one queue of events, in order of time, so that a question finds its answer.

An owner takes from it what reaches the gateway or comes from a caseworker, and gives it the questions to devices.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import Final, NamedTuple

from models.json_object import JsonObject
from models.times import parse_time
from models.wire.question import Question
from simulator.device import HomeUnit
from simulator.fleet import Fleet
from simulator.life import PlannedReport
from simulator.luck import luck
from simulator.network import Sent, SmsDelivery
from simulator.networks import AirMessage

_APART_S: Final = 60  # the devices report for the first time within so many seconds
_FIRST_S: Final = 120  # from midnight, seconds
_ANSWER_S: Final = (2, 10)  # a device answers within 10 s

Happening = SmsDelivery | JsonObject
"""An SMS that reaches the gateway, or a command of a caseworker."""


class AirQuestion(NamedTuple):
    """The SMS of a question on its way to a device. Times are epoch seconds.

    subject: the number of the person.
    id: of the question; unique for a person.
    to: the telephone number to which it goes.
    at: when the network takes it.
    until: the network drops it then.
    """

    subject: int
    id: str
    to: str
    text: str
    at: int
    until: int


class Happenings:
    """The days of one fleet. A fleet lives once.

    Each device reports in the first minutes, as after its installation: so the judgement knows that it listens.

    sent: the SMS that devices have sent so far, answers included, repetitions left out.
    deliveries: the SMS that have reached the gateway so far, in order of time.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._units = {unit.home.subject: unit for unit in fleet.units}
        self._queue: list[tuple[int, int, Callable[[int], Happening | None]]] = []
        self._number = 0
        self.sent: list[Sent] = []
        self.deliveries: list[SmsDelivery] = []
        for command in fleet.commands():
            self._enter(parse_time(command["at"], "at"), partial(_given, command))
        for number, unit in enumerate(fleet.units):
            first = PlannedReport(fleet.begin + _FIRST_S + number % _APART_S, None, None, certain=True)
            for planned in (first, *unit.life.reports):
                self._enter(planned.at, partial(self._report, unit, planned))

    def next(self, until: int) -> tuple[int, Happening] | None:
        """What happens next, and when; None: nothing more happens up to `until`, epoch seconds."""
        while self._queue and self._queue[0][0] <= until:
            at, _, happen = heappop(self._queue)
            happening = happen(at)
            if happening is not None:
                return at, happening
        return None

    def ask(self, question: AirQuestion) -> None:
        """Carry a question. Only the device with its number hears it, if the network brings it there in time."""
        unit = self._units.get(question.subject)
        if unit is None or question.to != unit.home.sender:
            return
        arrives = self._fleet.network.to_device(AirMessage(
            f"{question.subject}/question/{question.id}", question.subject, question.at, question.until,
            to_device=True))
        if arrives is not None:
            self._enter(max(question.at, arrives), partial(self._heard, unit, question.text))

    def _enter(self, at: int, happen: Callable[[int], Happening | None]) -> None:
        """Events of the same second happen in the order in which they were entered."""
        self._number += 1
        heappush(self._queue, (at, self._number, happen))

    def _report(self, unit: HomeUnit, planned: PlannedReport, _: int) -> None:
        self._send(unit.send(planned))

    def _send(self, sms: Sent) -> None:
        self.sent.append(sms)
        for delivery in map(self._fleet.held_back, self._fleet.network.carry(sms)):
            self._enter(delivery.at, partial(self._arrive, delivery))

    def _arrive(self, delivery: SmsDelivery, _: int) -> SmsDelivery:
        self.deliveries.append(delivery)
        return delivery

    def _heard(self, unit: HomeUnit, text: str, at: int) -> None:
        question = unit.hear(at, text)
        if question is not None:
            first, last = _ANSWER_S
            wait = luck("answer", unit.home.subject, question.window, question.number)[0]
            self._enter(at + first + int(wait * (last - first)), partial(self._answer, unit, question))

    def _answer(self, unit: HomeUnit, question: Question, at: int) -> None:
        self._send(unit.answer(at, question))


def _given(command: JsonObject, _: int) -> JsonObject:
    return command
