"""A benchmark fails only with a wrong result, and names it. A missed aim is a figure, not a failure: times are not
stable on a shared machine.

A benchmark answers with figures. Each is a ratio or a quantity of one run; some have an aim.
"""

import platform
import sys
import sysconfig
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

import orjson

EVERY_S: Final = 2.0


class WrongResultError(RuntimeError):
    """The measured program did not do its work correctly, so its speed says nothing."""


class Figure(NamedTuple):
    """One figure.

    aim: the value to reach; None: no aim.
    at_most: whether the aim is an upper bound; else it is a lower bound.
    """

    bench: str
    figure: str
    value: float
    aim: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        if self.aim is None:
            return None
        return self.value <= self.aim if self.at_most else self.value >= self.aim

    def line(self) -> bytes:
        """The figure as `--json` prints it."""
        return orjson.dumps({"bench": self.bench, "figure": self.figure, "value": _rounded(self.value),
                             "aim": self.aim, "met": self.met, "python": python()})


def python() -> str:
    """The Python that measured. A Python with profile-guided optimization, as in the image, is 10 to 20 % faster."""
    options = str(sysconfig.get_config_var("CONFIG_ARGS"))
    built = [name for name in ("--enable-optimizations", "--with-lto") if name in options]
    return f"{platform.python_version()}, built {'with ' + ' '.join(built) if built else 'without optimizations'}"


def _rounded(value: float) -> float:
    """A value with three significant digits: more would be noise."""
    return float(f"{value:.3g}")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """The figures as a table for people."""
    rows = [("figure", "value", "aim", "met")]
    for one in figures:
        aim = "" if one.aim is None else f"{'≤' if one.at_most else '≥'} {_shown(one.aim)}"
        met = {None: "", True: "yes", False: "no"}[one.met]
        rows.append((f"{one.bench} {one.figure}", _shown(_rounded(one.value)), aim, met))
    width, number, goal = (max(len(row[column]) for row in rows) for column in range(3))
    lines = [f"{name:<{width}}  {value:>{number}}  {aim:>{goal}}  {met}".rstrip() for name, value, aim, met in rows]
    return "\n".join([*lines, f"measured by Python {python()}"])


def checked(truth: bool, why: str) -> None:
    """Raises WrongResultError if `truth` is False."""
    if not truth:
        raise WrongResultError(why)


class ProgressLine:
    """Shows the progress of some work on standard error, every two seconds."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._done, self._said = 0, time.monotonic()

    def add(self, count: int = 1) -> None:
        self._done += count
        if time.monotonic() - self._said > EVERY_S:
            self._said = time.monotonic()
            say(f"{self._what}: {self._done:,} of {self._total:,}")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
