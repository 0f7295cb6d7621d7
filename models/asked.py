"""Whether questions to devices are worth their money: how many answered of the asked people who proved to be up.

If fewer than half did, the way to the devices is broken: the questions, or the answers, are lost. The judgement then
asks few, and more alerts are about people who are up.
"""

from collections import OrderedDict
from typing import Any, Final, NamedTuple

from models.contract.effects import Result
from models.errors import ContractError
from models.json_object import JsonView
from models.times import DAY, parse_time

LAST_AUTOMATIC: Final = 7  # questions above are asked by hand
SHARE: Final = 0.5
ENOUGH: Final = 20         # people; of fewer, chance decides
_UP: Final = frozenset({Result.AWAKE, Result.OUT})


class ProvedUp(NamedTuple):
    """A person who was asked about a window and proved to be up in it. answered: the device had answered before."""

    gateway: str
    answered: bool


class _Open(NamedTuple):
    gateway: str
    at: int
    answered: bool


class AskedPeople:
    """The people who were asked in the last day, and of whom it is not known yet that they were up."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[int, str], _Open] = OrderedDict()  # by subject and window, oldest first
        self._latest: dict[int, str] = {}                                # by subject, the latest window asked

    def knows(self, subject: int) -> bool:
        """Whether a record of this person may matter."""
        return subject in self._latest

    def take(self, value: JsonView) -> ProvedUp | None:
        """Take a record of `asks` or `reports`, in order of time. Returns whether it proves that a person is up."""
        try:
            match value.get("type"):
                case "ask":
                    self._ask(value)
                case "report" if value["answers"] is not None:
                    self._answer(value["subject"])
                case "checkin" if value["result"] in _UP:
                    return self._up(value["subject"], value["window"])
        except (KeyError, TypeError, ContractError):  # a record of a foreign producer is no reason to stop counting
            return None
        return None

    def _ask(self, value: JsonView) -> None:
        if value["number"] > LAST_AUTOMATIC:
            return
        key, at = (value["subject"], value["window"]), parse_time(value["at"], "at")
        if key not in self._open:
            self._open[key] = _Open(value["gateway"], at, answered=False)
            self._latest[value["subject"]] = value["window"]
        while self._open and at - next(iter(self._open.values())).at > DAY:
            self._forget(next(iter(self._open)))

    def _answer(self, subject: Any) -> None:
        key = subject, self._latest.get(subject, "")
        if key in self._open:
            self._open[key] = self._open[key]._replace(answered=True)

    def _up(self, subject: Any, window: Any) -> ProvedUp | None:
        known = self._open.get((subject, window))
        if known is None:
            return None
        self._forget((subject, window))
        return ProvedUp(known.gateway, known.answered)

    def _forget(self, key: tuple[int, str]) -> None:
        del self._open[key]
        subject, window = key
        if self._latest.get(subject) == window:
            del self._latest[subject]


def is_too_few(up: int, answered: int) -> bool:
    """Whether too few of the people who were asked and proved to be up had answered."""
    return up >= ENOUGH and answered < SHARE * up
