"""`anbu bench failover`: one of two workers is killed under a steady load; how long until its lanes are judged again.

It also checks that every report that was sent had its answer in the end.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterator
from typing import Any, Final

import httpx
import orjson

from bench import nation
from bench.child import PATIENCE_S, Child
from bench.engine import begin_changelog
from bench.figures import Figure, checked, say
from bench.load import Listener, LoadSender, Report, listening, under_load
from bench.nation import Course, Half
from bench.stage import Stage, stage
from streams.topics import REPORTS, SMS

NAME: Final = "failover"
BEFORE_S: Final = 3  # seconds of load before the kill
NEVER: Final = "1000000000"


def failover(address: str | None, rate: int = 1000, people: int = 2000, runs: int = 3) -> list[Figure]:
    """Raises WrongResultError, SettingsError, EmbeddedError."""
    with stage(address) as one:
        measured = [asyncio.run(_failover(one, run, rate, people)) for run in range(runs)]
    seconds = [took for took, _ in measured]
    for run, took in enumerate(seconds, start=1):
        say(f"run {run} of {runs}: judged again after {took:.1f} s")
    figures = [Figure(NAME, "median_s", statistics.median(seconds), 8, at_most=True),
               Figure(NAME, "worst_s", max(seconds)),
               Figure(NAME, "session_s", one.settings.session_s)]
    return under_load(figures, NAME, rate, [reached for _, reached in measured])


def _reports(people: int) -> Iterator[Report]:
    """Reports without end: all people in one window, then all in the next."""
    number = 0
    while True:
        half = Half(number)
        for subject in range(1, people + 1):
            yield Report(f"{subject}/{number + 1}", subject, nation.sms(subject, half, half.opens + 60, Course.AWAKE))
        number += 1


def _report_of(_: bytes, value: bytes) -> str | None:
    record: dict[str, Any] = orjson.loads(value)
    return f"{record['subject']}/{record['id'].rsplit('.')[-1]}" if record["type"] == "report" else None


async def _failover(one: Stage, run: int, rate: int, people: int) -> tuple[float, float]:
    """Seconds from the kill until each lane of the victim has answered a report that was sent after the kill; and the
    number of reports sent a second."""
    settings = await one.app(f"failover-{run}")
    await begin_changelog(one, settings, range(1, people + 1), from_now=True)
    with (Child(one, "watch", settings.app_id, SMS, NEVER) as first,
          Child(one, "watch", settings.app_id, SMS, NEVER) as victim):
        lanes = await _shared_out(first, victim, settings.partitions)
        async with listening(one, REPORTS, _report_of) as (sender, listener):
            over = asyncio.Event()
            sending = asyncio.create_task(sender.run(_reports(people), rate, over.is_set))
            try:
                await asyncio.sleep(BEFORE_S)
                victim.kill()
                killed = time.time()
                back = await _judged_again(listener, sender, lanes, killed)
                over.set()
                await sending
                missing = await listener.wait_for(set(sender.sent))
            finally:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await sending
    checked(not missing, f"{len(missing)} of {len(sender.sent)} reports were never answered")
    return back - killed, sender.rate


async def _shared_out(first: Child, victim: Child, partitions: int) -> set[int]:
    """Wait until both workers have lanes. Returns the lanes of the victim."""
    deadline = time.monotonic() + PATIENCE_S
    async with httpx.AsyncClient(timeout=2) as http:
        while time.monotonic() < deadline:
            one, other = [await _lanes(http, child) for child in (first, victim)]
            if one and other and one | other == set(range(partitions)) and not one & other:
                return other
            await asyncio.sleep(0.1)
    checked(False, f"the lanes were never shared out: {first.words()} {victim.words()}")
    return set()


async def _lanes(http: httpx.AsyncClient, child: Child) -> set[int]:
    try:
        health: dict[str, Any] = (await http.get(f"http://127.0.0.1:{child.port}/health/")).json()
    except (httpx.TransportError, ValueError):
        return set()
    return {int(number) for number in health["lanes"]} if health["ready"] else set()


async def _judged_again(listener: Listener, sender: LoadSender, lanes: set[int], killed: float) -> float:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        back: dict[int, float] = {}
        for name, (seen, partition) in listener.seen.items():
            if partition in lanes and sender.sent.get(name, 0.0) > killed:
                back[partition] = min(seen, back.get(partition, seen))
        if back.keys() >= lanes:
            return max(back.values())
        await asyncio.sleep(0.1)
    checked(False, f"lanes {sorted(lanes)} were not judged again in {PATIENCE_S:.0f} s")
    return 0.0
