"""An index of subjects by the time at which something is due, so that a tick touches only the people it concerns.

Entries are hints: the caller pops an entry, and then asks the person's state what is really due. So no entry has to be
removed when a deadline moves or an alert is acknowledged. To add a subject again at the same time costs four octets
until that time.
"""

from array import array
from heapq import heappop, heappush
from typing import Final

_SUBJECT: Final = "I"  # 0 to 2^32 - 1: a million people take 4 MB, in a set of numbers 64 MB


class Agenda:
    """Subjects by the epoch second at which something may be due for them."""

    __slots__ = ("_at", "_times")

    def __init__(self) -> None:
        self._at: dict[int, array[int]] = {}
        self._times: list[int] = []

    def add(self, at: int, subject: int) -> None:
        subjects = self._at.get(at)
        if subjects is None:
            self._at[at] = array(_SUBJECT, (subject,))
            heappush(self._times, at)
        else:
            subjects.append(subject)

    def pop(self, until: int) -> list[int]:
        """Remove and return all subjects with an entry up to `until`, each once, in order of their numbers."""
        due: set[int] = set()
        while self._times and self._times[0] <= until:
            due.update(self._at.pop(heappop(self._times)))
        return sorted(due)
