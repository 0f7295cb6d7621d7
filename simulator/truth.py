"""The truth comes from the simulator, which made it up: what had to be known and when, and where no alert was due."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any, Final

from models.json_object import JsonObject, JsonView
from models.times import format_time, parse_time


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """An alert that had to come.

    subject: a person's number, or a gateway's name.
    window: such as 2026-11-24:morning, or None.
    knowable_at: when it could first be known, epoch seconds.
    """

    subject: int | str
    kind: str
    window: str | None
    knowable_at: int


@dataclass(frozen=True, slots=True)
class Fine:
    """An SMS that says awake or out for a window was accepted before the deadline."""

    subject: int
    window: str
    accepted_at: int


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency that happened, whether or not it could be known."""

    subject: int
    kind: str
    happened_at: int


@dataclass(frozen=True, slots=True)
class WindowTruth:
    """The course of a person's window: awake, out, not_awake, silent (the device sent nothing) or excused."""

    subject: int
    window: str
    course: str
    deadline_at: int


@dataclass(frozen=True, slots=True)
class SmsTruth:
    """An SMS of a device.

    deadline_at: the deadline of the window that the SMS names; None: it names no window.
    arrived_at: the times at which it reached the gateway: none, one or two.
    """

    subject: int
    counter: int
    sent_at: int
    deadline_at: int | None
    arrived_at: tuple[int, ...]


Line = ExpectedAlert | Fine | Emergency | WindowTruth | SmsTruth
_KINDS: Final[dict[str, type[Line]]] = {
    "due": ExpectedAlert, "fine": Fine, "emergency": Emergency, "window": WindowTruth, "sms": SmsTruth}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Truth:
    """All lines, by kind.

    dues: alerts that had to come.
    emergencies: all emergencies that happened, reported or not.
    """

    dues: tuple[ExpectedAlert, ...] = ()
    fine: tuple[Fine, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    windows: tuple[WindowTruth, ...] = ()
    sms: tuple[SmsTruth, ...] = ()

    def lines(self) -> Iterator[JsonObject]:
        """Objects for a file, one for each line."""
        kinds: tuple[tuple[Line, ...], ...] = (self.dues, self.fine, self.emergencies, self.windows, self.sms)
        for line in chain.from_iterable(kinds):
            yield {"truth": _NAMES[type(line)], **{one.name: _text(one.name, getattr(line, one.name))
                                                   for one in fields(line)}}


def read_truth(lines: Iterable[JsonView]) -> Truth:
    """The truth that `lines` wrote. Raises ValueError, KeyError or TypeError if a line is of another kind."""
    found: dict[str, list[Any]] = {name: [] for name in _KINDS}
    for line in lines:
        name = line.get("truth")
        if name not in _KINDS:
            raise ValueError(f"no line of a truth: {dict(line)}")
        kind = _KINDS[name]
        found[name].append(kind(**{one.name: _value(one.name, line[one.name]) for one in fields(kind)}))
    return Truth(*(tuple(ones) for ones in found.values()))


def _text(name: str, value: Any) -> Any:
    """A value for a file: times, whose names end in `_at`, become text."""
    if not name.endswith("_at") or value is None:
        return value
    return [format_time(one) for one in value] if isinstance(value, tuple) else format_time(value)


def _value(name: str, value: Any) -> Any:
    if not name.endswith("_at") or value is None:
        return value
    return tuple(parse_time(one, name) for one in value) if isinstance(value, list) else parse_time(value, name)
