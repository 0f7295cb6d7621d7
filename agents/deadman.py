"""The watched watcher: while people are really judged, an address outside is asked for every minute.

Whoever answers there (a dead man's switch) calls somebody when the minutes go by without. "Really" means that in every
lane of this worker a batch has become durable since the last time, and brought the time up to which it has judged near
to now. A worker that hangs, lags or has lost the broker says nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import httpx

from models.figures import UNWATCHED_S
from models.times import format_time
from runtime.clock import Clock
from streams.engine.batch import Batch

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0
ANSWER_S: Final = 10.0
LANE: Final = "{lane}"


class LaneActivity(NamedTuple):
    """Of one lane. latest: the highest tick that is durably judged, epoch seconds; batches: how many there were."""

    latest: int
    batches: int


def advancing(before: Mapping[int, LaneActivity], now_judged: Mapping[int, LaneActivity], lanes: Sequence[int],
              now: float) -> set[int]:
    """The lanes of a worker that have judged something since `before`, and are near to now."""
    return {lane for lane in lanes if lane in now_judged and now_judged[lane].latest >= now - UNWATCHED_S
            and (lane not in before or (now_judged[lane].batches > before[lane].batches
                                        and now_judged[lane].latest > before[lane].latest))}


class Deadman:
    """url: with {lane} in it each lane has a switch of its own, which is what several workers need."""

    def __init__(self, url: str, clock: Clock, every_s: float = EVERY_S) -> None:
        self._url, self._clock, self._every_s = url, clock, every_s
        self._judged: dict[int, LaneActivity] = {}

    def applied(self, lane: Any, _batch: Batch, _outputs: Sequence[Any]) -> None:
        """A batch is durable."""
        if lane.state.latest is not None:
            before = self._judged.get(lane.number, LaneActivity(0, 0))
            self._judged[lane.number] = LaneActivity(lane.state.latest, before.batches + 1)

    async def run(self, lanes: Callable[[], Sequence[int]]) -> None:
        """lanes: those that this worker has now."""
        before: dict[int, LaneActivity] = {}
        heard = False  # a worker that has just started has not judged yet, and nobody need be told
        async with httpx.AsyncClient(timeout=ANSWER_S, headers={"user-agent": "anbu"}) as http:
            while True:
                await asyncio.sleep(self._every_s)
                mine, judged = list(lanes()), dict(self._judged)
                good = advancing(before, judged, mine, self._clock.now())
                before = judged
                heard = heard or bool(good)
                if heard and good != set(mine):
                    log.warning("lanes %s have judged nothing lately: the dead man's switch is told so by silence",
                                sorted(set(mine) - good))
                urls = ([self._url.replace(LANE, str(lane)) for lane in sorted(good)] if LANE in self._url
                        else [self._url] if mine and good == set(mine) else [])
                await asyncio.gather(*(self._ping(http, url) for url in urls))

    async def _ping(self, http: httpx.AsyncClient, url: str) -> None:
        """Failures are logged only: whoever listens there notices, which is what it is for."""
        try:
            answer = await http.get(url)
        except Exception as error:  # noqa: BLE001 - whatever it is: a watcher must not end what it watches
            log.warning("the dead man's switch does not answer: %s", type(error).__name__)
            return
        if not answer.is_success:
            log.warning("the dead man's switch answers HTTP %d at %s", answer.status_code,
                        format_time(int(self._clock.now())))
