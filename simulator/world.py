"""A closed loop: homes, networks and a judging core in one queue of events, so that a question finds its answer.

A file made beforehand cannot answer. The core comes from outside, because the simulator knows nothing of the
judgement: it gets records of the topics sms, registry and commands, and gives records of alerts and asks.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

import orjson

from models.contract.topics import INPUTS, OUTPUTS
from models.json_object import JsonObject
from models.times import format_time, parse_time
from simulator.fleet import GATEWAY, Fleet
from simulator.happenings import AirQuestion, Happening, Happenings
from simulator.network import Sent, SmsDelivery

SMS, REGISTRY, COMMANDS = INPUTS
ALERTS, _, _, ASKS = OUTPUTS
TICK_S: Final = 60


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

    ask_min: the minutes after the close at which the registry has devices asked; empty: never.
    """

    def __init__(self, fleet: Fleet, core: JudgingCore, ask_min: Sequence[int] = ()) -> None:
        self._fleet, self._core, self._ask_min = fleet, core, ask_min
        self._happenings = Happenings(fleet)
        self._lived = Lived(self._happenings.sent, self._happenings.deliveries, [], [])

    def live(self) -> Lived:
        """Live all days. The gateway ticks each minute, behind the SMS of that minute."""
        fleet = self._fleet
        for profile in fleet.registry(self._ask_min):
            self._judge(REGISTRY, profile["subject"], profile)
        for tick in range(fleet.begin, fleet.end + 1, TICK_S):
            while (found := self._happenings.next(tick)) is not None:
                self._happen(*found)
            self._judge(SMS, None, {"type": "tick", "source": "gateway", "gateway": GATEWAY, "at": format_time(tick)})
        return self._lived

    def _happen(self, at: int, happening: Happening) -> None:
        if not isinstance(happening, SmsDelivery):
            self._judge(COMMANDS, happening["subject"], happening)
            return
        subject = None if happening.sent is None else happening.sent.subject
        self._judge(SMS, subject, {
            "type": "sms", "gateway": GATEWAY, "id": happening.id, "sender": happening.sender,
            "recipient": happening.recipient, "text": happening.text, "binary": None, "received_at": format_time(at)})

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
        self._happenings.ask(AirQuestion(
            question["subject"], question["id"], question["to"], question["text"], parse_time(question["at"], "at"),
            parse_time(question["until"], "until")))
