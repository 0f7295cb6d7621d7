"""Who is due when: an index by time, so that a tick touches only those whom it concerns.

Entries are hints: whoever pops one asks the person's state what is really due. So nothing has to be removed when a
deadline is moved or an alert is acknowledged, and adding the same subject at the same time again costs nothing.
"""

from heapq import heappop, heappush


class Agenda:
    """Subjects by the epoch second at which something may be due for them."""

    __slots__ = ("_at", "_times")

    def __init__(self) -> None:
        self._at: dict[int, set[int]] = {}
        self._times: list[int] = []

    def add(self, at: int, subject: int) -> None:
        subjects = self._at.get(at)
        if subjects is None:
            self._at[at] = {subject}
            heappush(self._times, at)
        else:
            subjects.add(subject)

    def pop(self, until: int) -> list[int]:
        """All subjects with something due until then, each once, in order of their numbers."""
        due: set[int] = set()
        while self._times and self._times[0] <= until:
            due |= self._at.pop(heappop(self._times))
        return sorted(due)
