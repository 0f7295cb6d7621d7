"""A core that judges by the real one, and asks by a few lines of its own: the closed loop is tested with it.

Each moment asks everybody who has no result. Before the last moment, nobody is asked who has answered or is not awake.
"""

from collections.abc import Iterable

import orjson

from cli.prove import FoldedCore
from models.contract.documents import Output
from models.json_object import JsonObject
from models.times import format_time, parse_time
from models.window import Window
from models.wire.frame import HOME_SLOT, find_frame, open_frame, read_header, to_text
from simulator.calendar import AFTERNOON, MORNING
from simulator.device import EPOCH
from simulator.fleet import GATEWAY, Fleet
from simulator.questions import DeviceQuestion, seal_question
from simulator.world import ASKS, JudgedRecord
from support.opened import cipher_of


class AskingCore:
    """Asks beside the real core. results: by subject and window; answered: the same, of devices that answered."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self._core = fleet, FoldedCore(fleet)
        self._ask_min: dict[int, list[int]] = {}
        self._listening: set[int] = set()
        self._results: dict[tuple[int, int], str] = {}
        self._answered: set[tuple[int, int]] = set()
        self._asked: dict[int, int] = {}  # by subject, the latest window
        self._until = fleet.begin

    def __call__(self, topic: str, key: bytes | None, value: bytes) -> Iterable[JudgedRecord]:
        outputs: list[JudgedRecord] = list(self._core(topic, key, value))
        for output in outputs:
            if output.topic == "reports" and output.value is not None:
                self._note(orjson.loads(output.value))
        record = orjson.loads(value)
        if topic == "registry":
            self._ask_min[record["subject"]] = record.get("ask_min", [])
        elif topic == "sms" and record["type"] == "tick":
            at = parse_time(record["at"], "at")
            outputs += [self._question(*one, at) for one in self._due(at)]
            self._until = at
        elif topic == "sms" and key is not None:
            self._hear(record["text"])
        return outputs

    def _note(self, document: JsonObject) -> None:
        if document["type"] == "checkin":
            self._results[document["subject"], int(Window.parse(document["window"]))] = document["result"]

    def _hear(self, text: str) -> None:
        frame = find_frame(text, None)
        if not isinstance(frame, bytes):
            return
        header = read_header(frame)
        plaintext = open_frame(cipher_of(self._fleet, header.subject), header, frame, EPOCH)
        if plaintext is None:
            return
        if plaintext[39] & 1:
            self._listening.add(header.subject)
        if plaintext[39] >> 1:
            self._answered.add((header.subject, self._asked[header.subject]))

    def _due(self, at: int) -> Iterable[tuple[int, int, int]]:
        calendar = self._fleet.calendar
        day = calendar.day_of(at)
        for half in (MORNING, AFTERNOON):
            window = calendar.window(day, half)
            close = calendar.close(window)
            if not close <= at < calendar.deadline(window):
                continue
            for home in self._fleet.homes:
                moments = self._ask_min[home.subject]
                come = [number for number, after in enumerate(moments, start=1)
                        if self._until < close + after * 60 <= at]
                place = (home.subject, window)
                result = self._results.get(place)
                if not come or result not in {None, "not_awake"} or home.is_excused(day):
                    continue
                satisfied = result == "not_awake" or place in self._answered
                if home.subject in self._listening and (come[-1] == len(moments) or not satisfied):
                    yield home.subject, window, come[-1]

    def _question(self, subject: int, window: int, number: int, at: int) -> Output:
        self._asked[subject] = window
        cipher, question = cipher_of(self._fleet, subject), DeviceQuestion(window, number)
        frame = seal_question(cipher, subject, HOME_SLOT, EPOCH, question)
        sender = next(home.sender for home in self._fleet.homes if home.subject == subject)
        return Output(ASKS, b"%d" % subject, orjson.dumps({
            "type": "ask", "id": f"{Window(window)}/{number}", "subject": subject, "gateway": GATEWAY,
            "slot": HOME_SLOT, "window": str(Window(window)), "number": number, "to": sender, "text": to_text(frame),
            "at": format_time(at), "until": format_time(self._fleet.calendar.deadline(window))}))
