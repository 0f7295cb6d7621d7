"""A closed loop: homes, networks and a judging core in one queue of events, so that a question finds its answer.

A file made beforehand cannot answer. The core comes from outside, because the simulator knows nothing of the
judgement: it gets records of the topics sms, registry and commands, and gives records of alerts and asks.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import Final, NamedTuple, Protocol

import orjson

from models.json_object import JsonObject
from models.times import format_time, parse_time
from models.wire.question import Question
from simulator.device import HomeUnit
from simulator.fleet import GATEWAY, Fleet
from simulator.life import PlannedReport
from simulator.luck import luck
from simulator.network import Sent, SmsDelivery
from simulator.networks import AirMessage
from streams.topics import ALERTS, ASKS, COMMANDS, REGISTRY, SMS

TICK_S: Final = 60
_FIRST_S: Final = 120  # from midnight, seconds
_ANSWER_S: Final = (2, 10)  # a device answers within 10 s


class JudgedRecord(Protocol):
    """A record that the core gives."""

    @property
    def topic(self) -> str: ...
    @property
    def value(self) -> bytes | None: ...


class JudgingCore(Protocol):
    """The judgement, as the loop sees it: one record in, its outputs out."""

    def __call__(self, topic: str, key: bytes | None, value: bytes) -> Iterable[JudgedRecord]: ...


class Lived(NamedTuple):
    """The records of a loop, each list in order of time.

    sent: the SMS that devices sent, answers included, repetitions left out.
    deliveries: the SMS that reached the gateway.
    alerts: CloudEvents of topic `alerts`.
    questions: records of topic `asks`.
    """

    sent: list[Sent]
    deliveries: list[SmsDelivery]
    alerts: list[JsonObject]
    questions: list[JsonObject]


class World:
    """The days of one fleet under one core. A fleet lives once.

    Each device reports in the first minutes, as after its installation: so the core knows that it listens.

    ask_min: the minutes after the close at which the registry has devices asked; empty: never.
    """

    def __init__(self, fleet: Fleet, core: JudgingCore, ask_min: Sequence[int] = ()) -> None:
        self._fleet, self._core, self._ask_min = fleet, core, ask_min
        self._units = {unit.home.subject: unit for unit in fleet.units}
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self._lived = Lived([], [], [], [])
        self._number = 0

    def live(self) -> Lived:
        """Live all days. The gateway ticks each minute, behind the SMS of that minute."""
        fleet = self._fleet
        for profile in fleet.registry(self._ask_min):
            self._judge(REGISTRY, profile["subject"], profile)
        for command in fleet.commands():
            self._at(parse_time(command["at"], "at"), partial(self._command, command))
        for number, unit in enumerate(fleet.units):
            first = PlannedReport(fleet.begin + _FIRST_S + number % TICK_S, None, None, certain=True)
            self._at(first.at, partial(self._report, unit, first))
            for planned in unit.life.reports:
                self._at(planned.at, partial(self._report, unit, planned))
        for tick in range(fleet.begin, fleet.end + 1, TICK_S):
            while self._events and self._events[0][0] <= tick:
                at, _, happen = heappop(self._events)
                happen(at)
            self._judge(SMS, None, {"type": "tick", "source": "gateway", "gateway": GATEWAY, "at": format_time(tick)})
        return self._lived

    def _at(self, at: int, happen: Callable[[int], None]) -> None:
        """Events of the same second happen in the order in which they were entered."""
        self._number += 1
        heappush(self._events, (at, self._number, happen))

    def _command(self, command: JsonObject, _: int) -> None:
        self._judge(COMMANDS, command["subject"], command)

    def _report(self, unit: HomeUnit, planned: PlannedReport, _: int) -> None:
        self._send(unit.send(planned))

    def _send(self, sms: Sent) -> None:
        self._lived.sent.append(sms)
        for delivery in map(self._fleet.held_back, self._fleet.network.carry(sms)):
            self._at(delivery.at, partial(self._arrive, delivery))

    def _arrive(self, delivery: SmsDelivery, at: int) -> None:
        self._lived.deliveries.append(delivery)
        subject = None if delivery.sent is None else delivery.sent.subject
        self._judge(SMS, subject, {
            "type": "sms", "gateway": GATEWAY, "id": delivery.id, "sender": delivery.sender,
            "recipient": delivery.recipient, "text": delivery.text, "binary": None, "received_at": format_time(at)})

    def _judge(self, topic: str, subject: int | None, record: JsonObject) -> None:
        for output in self._core(topic, None if subject is None else b"%d" % subject, orjson.dumps(record)):
            if output.value is None:
                continue
            if output.topic == ALERTS:
                self._lived.alerts.append(orjson.loads(output.value))
            elif output.topic == ASKS:
                self._ask(orjson.loads(output.value))

    def _ask(self, question: JsonObject) -> None:
        self._lived.questions.append(question)
        subject, at = question["subject"], parse_time(question["at"], "at")
        until = parse_time(question["until"], "until")
        unit = self._units.get(subject)
        if unit is None or question["to"] != unit.home.sender:
            return
        arrives = self._fleet.network.to_device(
            AirMessage(f"{subject}/question/{question['id']}", subject, at, until, to_device=True))
        if arrives is not None:
            self._at(max(at, arrives), partial(self._heard, unit, question["text"]))

    def _heard(self, unit: HomeUnit, text: str, at: int) -> None:
        question = unit.hear(at, text)
        if question is not None:
            first, last = _ANSWER_S
            wait = luck("answer", unit.home.subject, question.window, question.number)[0]
            self._at(at + first + int(wait * (last - first)), partial(self._answer, unit, question))

    def _answer(self, unit: HomeUnit, question: Question, at: int) -> None:
        self._send(unit.answer(at, question))
