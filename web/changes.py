"""The changes of the page are numbered, so that a browser that was away gets the changes that it has missed.

An event names the parts of the page that changed; the browser then fetches these parts. The id of an event is this
process's name and the number of the change. After a restart, or with an id of another instance, all parts count as
changed.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Collection
from typing import Final

from sse_starlette import ServerSentEvent

TOP, ALERTS, PEOPLE = "top", "alerts", "people"
PARTS: Final = (TOP, ALERTS, PEOPLE)
HEARTBEAT_S: Final = 15.0
PAUSE_S: Final = 0.2  # between two events to one browser: a burst becomes one event


def part_of_person(subject: int) -> str:
    return f"person-{subject}"


class PageChanges:
    def __init__(self) -> None:
        self._name = secrets.token_hex(4)
        self._number = 0
        self._last: dict[str, int] = {}
        self._wake = asyncio.Event()

    @property
    def id(self) -> str:
        return f"{self._name}-{self._number}"

    def mark(self, *parts: str) -> None:
        self._number += 1
        self._last.update(dict.fromkeys(parts, self._number))
        self._wake.set()
        self._wake = asyncio.Event()

    def after(self, event_id: str | None, wanted: Collection[str]) -> list[str]:
        """The wanted parts that changed after an event; all of them if the event is not of this process."""
        name, _, number = (event_id or "").partition("-")
        if name != self._name or not number.isdecimal():
            return list(wanted)
        return [part for part in wanted if self._last.get(part, 0) > int(number)]

    async def events(self, event_id: str | None, wanted: Collection[str]) -> AsyncGenerator[ServerSentEvent]:
        """The changes after an event, without end; a heartbeat every HEARTBEAT_S without a change."""
        while True:
            wake = self._wake
            if parts := self.after(event_id, wanted):
                event_id = self.id
                yield ServerSentEvent(event="changed", id=event_id, data=" ".join(parts), retry=2000)
                await asyncio.sleep(PAUSE_S)
                continue
            try:
                await asyncio.wait_for(wake.wait(), HEARTBEAT_S)
            except TimeoutError:
                yield ServerSentEvent(event="beat", id=event_id, data="")
