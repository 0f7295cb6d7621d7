"""`anbu bench latency`: from the time stamp of an SMS's record to the alert that a subscriber sees, under steady load.

A bare aiokafka echo is measured beside it: the time that the broker, the clients and this machine need to carry one
record there and one back.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from bench import nation
from bench.child import Child
from bench.engine import begin_changelog
from bench.figures import Figure, checked, say
from bench.load import Report, listening, under_load
from bench.nation import Course, Half
from bench.stage import Stage, stage
from streams.topics import ALERTS, SMS

NAME: Final = "latency"
WARM_UP_S: Final = 3
PRESSED: Final = 10  # one report of 10 is an SOS, and so has an alert


def latency(address: str | None, rate: int = 1000, seconds: int = 30, runs: int = 1) -> list[Figure]:
    """Raises WrongResultError, SettingsError, EmbeddedError."""
    with stage(address) as one:
        return asyncio.run(_latency(one, rate, seconds, runs))


async def _latency(one: Stage, rate: int, seconds: int, runs: int) -> list[Figure]:
    people = range(1, rate * (seconds + WARM_UP_S) + 1)
    half = Half(0)
    reports = [Report(str(subject), subject, nation.sms(
        subject, half, half.opens + 60, Course.AWAKE if subject % PRESSED else Course.SOS)) for subject in people]
    echoes = one.name("echoes")
    await one.create(echoes)
    times: dict[str, list[float]] = {"echo": [], "alert": []}
    rates: list[float] = []
    for run in range(runs):
        settings = await one.app(f"latency-{run}")
        await begin_changelog(one, settings, people, from_now=True)
        with Child(one, "watch", settings.app_id, SMS, str(len(reports))) as watch:
            await watch.says("open")
            times["alert"] += await _measure(one, ALERTS, _alert_of, reports, rate, rates)
            found = await watch.answer()
            checked(found["outputs"].get("alerts") == len(reports) // PRESSED,
                    f"{found['outputs']} for {len(reports) // PRESSED} SOS")
        with Child(one, "echo", one.name(f"echo-{run}"), echoes, str(PRESSED)) as echo:
            await echo.says("open")
            times["echo"] += await _measure(one, echoes, _echo_of, reports, rate, rates)
        said = ", ".join(f"{name} {_part(all_, 0.5):.1f} ms" for name, all_ in times.items())
        say(f"run {run + 1} of {runs}: {said}")
    aims = {("alert", "p50"): 12, ("alert", "p99"): 40}
    figures = [Figure(NAME, f"{name}_{label}_ms", _part(all_, part), aims.get((name, label)), at_most=True)
               for name, all_ in times.items() for label, part in (("p50", 0.5), ("p99", 0.99), ("p99_9", 0.999))]
    figures.append(Figure(NAME, "p50_to_echo", _part(times["alert"], 0.5) / _part(times["echo"], 0.5)))
    return under_load(figures, NAME, rate, rates)


def _part(times: list[float], part: float) -> float:
    return sorted(times)[min(int(len(times) * part), len(times) - 1)]


def _alert_of(_: bytes, value: bytes) -> str | None:
    event: dict[str, Any] = orjson.loads(value)
    return str(event["subject"]) if event["data"]["kind"] == "sos" and event["data"]["change"] == "opened" else None


def _echo_of(key: bytes, _: bytes) -> str | None:
    return key.decode()


async def _measure(one: Stage, topic: str, name_of: Callable[[bytes, bytes], str | None], reports: list[Report],
                   rate: int, rates: list[float]) -> list[float]:
    """Milliseconds from sending a report to seeing its answer, without the first WARM_UP_S seconds. Adds the reached
    rate to `rates`.

    Raises WrongResultError if an answer never came.
    """
    expected = {report.name for report in reports if report.subject % PRESSED == 0}
    async with listening(one, topic, name_of) as (sender, listener):
        began = time.time()
        await sender.run(reports, rate)
        rates.append(sender.rate)
        missing = await listener.wait_for(expected)
    checked(not missing, f"{len(missing)} of {len(expected)} answers never came in {topic}")
    return [(listener.seen[name][0] - sender.sent[name]) * 1000 for name in expected
            if sender.sent[name] > began + WARM_UP_S]
