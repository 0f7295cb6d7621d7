"""The watcher is watched: the worker requests an outside address every minute, but only while it judges people.

The service at the address (a dead man's switch) alerts an operator when the requests stop. A worker judges if two
things hold in each of its lanes: a batch has become durable since the last request, and the lane has judged up to a
time near to now. A worker that hangs, lags or has lost the broker sends no request.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import httpx

from models.figures import UNWATCHED_S
from models.times import format_time
from runtime.clock import Clock

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0
ANSWER_S: Final = 10.0
LANE: Final = "{lane}"


class LaneActivity(NamedTuple):
    """The activity of one lane.

    latest: the highest tick that is durably judged, epoch seconds.
    batches: the number of durable batches.
    """

    latest: int
    batches: int


def advancing(before: Mapping[int, LaneActivity], now_judged: Mapping[int, LaneActivity], lanes: Sequence[int],
              now: float) -> set[int]:
    """Return the lanes that have judged a later tick since `before`, and are near to now.

    lanes: the lanes of this worker.
    now: epoch seconds.
    """
    return {lane for lane in lanes if lane in now_judged and now_judged[lane].latest >= now - UNWATCHED_S
            and (lane not in before or (now_judged[lane].batches > before[lane].batches
                                        and now_judged[lane].latest > before[lane].latest))}


class Deadman:
    """Sends the requests.

    url: if it has {lane} in it, each lane has its own switch; several workers need that.
    """

    def __init__(self, url: str, clock: Clock, every_s: float = EVERY_S) -> None:
        self._url, self._clock, self._every_s = url, clock, every_s
        self._judged: dict[int, LaneActivity] = {}

    def applied(self, lane: int, latest: int | None) -> None:
        """Note that a batch of a lane is durable. latest: the lane's latest tick, epoch seconds; None: no tick."""
        if latest is not None:
            before = self._judged.get(lane, LaneActivity(0, 0))
            self._judged[lane] = LaneActivity(latest, before.batches + 1)

    async def run(self, lanes: Callable[[], Sequence[int]]) -> None:
        """Send requests until cancelled. lanes: returns the lanes of this worker."""
        before: dict[int, LaneActivity] = {}
        heard = False  # a worker that has just started has not judged yet: no warning
        async with httpx.AsyncClient(timeout=ANSWER_S, headers={"user-agent": "anbu"}) as http:
            while True:
                await asyncio.sleep(self._every_s)
                mine, judged = list(lanes()), dict(self._judged)
                good = advancing(before, judged, mine, self._clock.now())
                before = judged
                heard = heard or bool(good)
                if heard and good != set(mine):
                    log.warning("lanes %s make no progress: no request goes to ANBU_DEADMAN_URL",
                                sorted(set(mine) - good))
                urls = ([self._url.replace(LANE, str(lane)) for lane in sorted(good)] if LANE in self._url
                        else [self._url] if mine and good == set(mine) else [])
                await asyncio.gather(*(self._ping(http, url) for url in urls))

    async def _ping(self, http: httpx.AsyncClient, url: str) -> None:
        """Send a request. A failure is only logged: the switch itself notices a missing request."""
        try:
            answer = await http.get(url)
        except Exception as error:  # noqa: BLE001 - no error here may end the worker
            log.warning("the dead man's switch does not answer: %s", type(error).__name__)
            return
        if not answer.is_success:
            log.warning("the dead man's switch answers HTTP %d at %s", answer.status_code,
                        format_time(int(self._clock.now())))
