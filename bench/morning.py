"""`anbu bench morning`: one worker judges a nation's morning; all records wait in the topic when the worker starts.

People report over three hours of their time, the gateways tick every minute, and at the deadline silent people get an
alert. Afterwards the benchmark reads all outputs: each person must have exactly the result and the alert that the
person's course of the morning asks for, and no person may have an alert of another kind.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import orjson

from bench import nation
from bench.child import Child
from bench.engine import registry_rows
from bench.figures import Figure, ProgressLine, checked
from bench.nation import BEFORE, GATEWAYS, Half
from bench.stage import Row, Stage, inputs_done, stage
from models.judgement import codec
from models.judgement.gateway import GatewayTime
from models.judgement.lane import LANE_KEY
from streams.engine.changelog import DONE
from streams.partition import partition_of
from streams.topics import ALERTS, REGISTRY, REPORTS, SMS, changelog

NAME: Final = "morning"
TICK_S: Final = 60
PATIENCE_S: Final = 3600.0
HALF: Final = Half(0)


def morning(address: str | None, people: int = 1_000_000) -> list[Figure]:
    """Raises WrongResultError, SettingsError, EmbeddedError."""
    with stage(address) as one:
        return asyncio.run(_morning(one, range(1, people + 1)))


async def _morning(one: Stage, people: range) -> list[Figure]:
    settings, partitions = await one.app("morning"), one.settings.partitions
    gateways = {f"gateway-{number}": GatewayTime(BEFORE, BEFORE, BEFORE) for number in range(GATEWAYS)}
    now = codec.pack_times((None, BEFORE, gateways))
    await one.write(changelog(settings), [row for number in range(partitions) for row in (
        (number, LANE_KEY, now), (number, DONE, inputs_done({})))])
    count = await one.write(REGISTRY, registry_rows(people, partitions), ProgressLine("people registered", len(people)))
    with Child(one, "watch", settings.app_id, REGISTRY, str(count)) as worker:
        loaded = await worker.answer(PATIENCE_S)
    checked(loaded["people"] == len(people), f"{loaded['people']} of {len(people)} people are known")
    records = await one.write(SMS, _rows(people, partitions), ProgressLine("reports made", len(people)))
    with Child(one, "watch", settings.app_id, SMS, str(records)) as worker:
        found = await worker.answer(PATIENCE_S)
    await _check(one, people)
    return [Figure(NAME, "people", len(people)),
            Figure(NAME, "judged_right", len(people), len(people)),
            Figure(NAME, "people_per_s", len(people) / found["seconds"]),
            Figure(NAME, "seconds", found["seconds"]),
            Figure(NAME, "peak_mb", found["peak_mb"]),
            Figure(NAME, "registered_per_s", count / loaded["seconds"]),
            Figure(NAME, "recovered_in_s", found["opened_s"])]


def _rows(people: range, partitions: int) -> Iterator[Row]:
    """The reports, with the ticks up to the deadline between them in every partition."""
    length, told = HALF.closes - HALF.opens, HALF.opens
    for place, (subject, value) in enumerate(nation.reports(people, HALF)):
        while told + TICK_S <= HALF.opens + place * length // len(people):
            told += TICK_S
            yield from _ticks(told, partitions)
        yield partition_of(subject, partitions), b"%d" % subject, value
    for at in range(told + TICK_S, HALF.deadline + 1, TICK_S):
        yield from _ticks(at, partitions)


def _ticks(at: int, partitions: int) -> Iterator[Row]:
    for tick in nation.ticks(at):
        for number in range(partitions):
            yield number, None, tick


async def _check(one: Stage, people: range) -> None:
    """Check all outputs. Raises WrongResultError for the first wrong one."""
    results, reported, progress = {}, 0, ProgressLine("answers checked", 2 * len(people))
    async for record in one.read(REPORTS):
        said: dict[str, Any] = orjson.loads(record.value)
        progress.add()
        if said["type"] == "report":
            reported += 1
        elif said["type"] == "checkin":
            subject = said["subject"]
            checked(subject not in results, f"{subject} has two results")
            results[subject] = said["result"]
    checked(reported == sum(nation.result(subject) != "silent" for subject in people), f"{reported} reports were taken")
    alerts: Counter[tuple[int, str]] = Counter()
    async for record in one.read(ALERTS):
        event: dict[str, Any] = orjson.loads(record.value)
        data = event["data"]
        checked(event["subject"].isdigit(), f"an outage was opened: {event}")
        if data["change"] == "opened":
            alerts[int(event["subject"]), data["kind"]] += 1
    for subject in people:
        checked(results.get(subject) == nation.result(subject),
                f"{subject} was judged {results.get(subject)}, and is {nation.result(subject)}")
    right = Counter((subject, kind) for subject in people if (kind := nation.alert(subject)) is not None)
    checked(alerts == right, f"alerts: {list((alerts - right) + (right - alerts))[:5]} are too many or missing")
