"""`/health/` of a worker that reads its changelog: how much is read, and that the worker is not ready."""

import asyncio

import pytest
from support.one_lane import Place, sos

pytestmark = pytest.mark.timeout(150)


async def test_health_shows_how_much_of_a_changelog_is_read(place: Place) -> None:
    """The number is a percentage that rises. An open lane is no longer named."""
    first, second = place.worker(), place.worker(SLOW="0.1")
    told: list[int] = []
    async with place.begun(first, second) as http:
        for counter in range(1, 6):  # a batch each, of several records in the changelog
            await place.send(first, sos(counter))
            await first.wait_idle(http)
        assert first.terminate() == 0
        second.start()
        async with asyncio.timeout(60):
            while not (health := await second.health(http)) or not health["ready"]:
                told += (health or {"recovering": {}})["recovering"].values()
                await asyncio.sleep(0.02)
        assert health["recovering"] == {}
    between = {percent for percent in told if 0 < percent < 100}
    assert len(between) > 3, told
    assert told == sorted(told)
