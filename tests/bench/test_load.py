"""A load below the requested rate is reported, and meets no aim."""

import asyncio
from typing import Any

import pytest

from bench.figures import Figure
from bench.load import LoadSender, Report, under_load


class Client:
    """A producer that takes so many seconds for each record to take it."""

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s

    async def send(self, *_: object, **__: object) -> asyncio.Future[None]:
        await asyncio.sleep(self._takes_s)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def sent(client: Any, rate: int) -> float:
    sender = LoadSender(client, 1)
    await sender.run([Report(str(number), number, b"") for number in range(20)], rate)
    assert len(sender.sent) == 20
    return sender.rate


async def test_the_reported_rate_does_not_exceed_the_requested_rate() -> None:
    """At most the one that was asked for, and a little: the first report waits for nothing."""
    assert await sent(Client(0), 100) <= 106
    assert await sent(Client(0.02), 1000) <= 50


@pytest.mark.parametrize(("rates", "met"), [([1000.0, 951.0], True), ([1000.0, 949.0], False)])
def test_a_load_below_the_aim_meets_no_aim(rates: list[float], *, met: bool) -> None:
    figures = under_load([Figure("latency", "alert_p50_ms", 10, 20, at_most=True)], "latency", 1000, rates)
    assert [(one.figure, one.met) for one in figures] == [("alert_p50_ms", True if met else None),
                                                          ("reached_per_s", met)]
