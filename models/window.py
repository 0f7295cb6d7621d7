"""A window: the morning or the afternoon of one local date, in which a person is expected to be active."""

from functools import lru_cache
from typing import Final, Self

from models.errors import ContractError
from models.times import format_date, parse_date

MORNING: Final = "morning"
AFTERNOON: Final = "afternoon"
HALVES: Final = (MORNING, AFTERNOON)


class Window(int):
    """The number of a window, as on the wire: days since 2020-01-01 × 2, plus 1 for the afternoon.

    So windows are ordered. States and documents hold the plain number; `Window(number)` gives its parts.
    """

    __slots__ = ()

    @classmethod
    def of(cls, day: int, half: str) -> Self:
        """day: since 2020-01-01; half: one of HALVES."""
        return cls(day * 2 + HALVES.index(half))

    @classmethod
    def parse(cls, text: str, field: str = "window") -> Self:
        """Read a text such as `2026-11-24:morning`. Raises ContractError(field)."""
        day, _, half = text.partition(":")
        if half not in HALVES:
            raise ContractError(field)
        return cls.of(parse_date(day, field), half)

    @property
    def day(self) -> int:
        """The date of the window, in days since 2020-01-01."""
        return self >> 1

    @property
    def half(self) -> str:
        return HALVES[self & 1]

    def __str__(self) -> str:
        return _text(int(self))


@lru_cache(maxsize=4096)
def _text(number: int) -> str:
    window = Window(number)
    return f"{format_date(window.day)}:{window.half}"


def windows_of_days(first: int, last: int) -> range:
    """The numbers of all windows of these dates, both included."""
    return range(first * 2, last * 2 + 2)
