"""Who is due when: an index by time, so that a tick touches only those whom it concerns.

Entries are hints: whoever pops one asks the person's state what is really due. So nothing has to be removed when a
deadline is moved or an alert is acknowledged, and adding a subject again at the same time costs four octets until then.
"""

from array import array
from heapq import heappop, heappush

_SUBJECT = "I"  # 0 to 2^32 - 1: of a million people 4 MB, where a set of numbers is 64


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
        """All subjects with something due until then, each once, in order of their numbers."""
        due: set[int] = set()
        while self._times and self._times[0] <= until:
            due.update(self._at.pop(heappop(self._times)))
        return sorted(due)
