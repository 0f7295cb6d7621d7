"""Luck follows from a name: every run that gives the same name has the same luck, whatever happened before.

So rules of judgement can be compared on the same days. In a stream of dice, one question more would shift the luck of
all later messages.
"""

from hashlib import blake2b
from struct import Struct
from typing import Final

_PAIR: Final = Struct(">QQ")
_WHOLE: Final = 1 << 64


def luck(*name: object) -> tuple[float, float]:
    """Two independent numbers in [0, 1), even, which follow from the parts of the name."""
    first, second = _PAIR.unpack(blake2b("/".join(map(str, name)).encode(), digest_size=16).digest())
    return first / _WHOLE, second / _WHOLE


def between(low: float, high: float, chance: float) -> float:
    """The number to which a chance in [0, 1) belongs, where the logarithm is even: the median is √(low × high)."""
    return float(low * (high / low) ** chance)
