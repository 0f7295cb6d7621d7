"""`anbu bench engine`: one worker's reports a second, beside a bare loop and beside plain Faust, on the same records.

All programs begin with the same people, and all reports are in the topic before the first program starts. The bare loop
keeps nothing and writes nothing. `says` is the same loop, which also encodes, packs and sends what the worker does,
without plan and fence. Plain Faust is slow, so it gets a fair sample: the same records of some of the people, in all
windows. (The cost of a report grows with the number of windows that a person has lived through.)
"""

import asyncio
import statistics
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench import nation
from bench.child import Child
from bench.figures import Figure, ProgressLine, WrongResultError, checked, say
from bench.nation import Half
from bench.stage import Row, Stage, inputs_done, stage
from models.contract.effects import Result
from models.contract.records import parse_object
from models.contract.registry import parse_profile
from models.judgement import codec
from models.judgement.events import Registered, Standing
from models.judgement.lane import LaneState
from models.judgement.results import result_at
from models.judgement.step import step
from runtime.settings import Settings
from streams.engine.changelog import DONE
from streams.kafka import kafka_options, stop_consumer
from streams.partition import partition_of
from streams.topics import REGISTRY, SMS, changelog

NAME: Final = "engine"
ATTEMPTS: Final = 3
FAUST_SHARE: Final = 11  # one person of 11; a prime, so that the sample has all gateways and courses


def engine(address: str | None, people: int = 10_000, windows: int = 10, runs: int = 3) -> list[Figure]:
    """Raises WrongResultError, SettingsError, EmbeddedError."""
    with stage(address) as one:
        return asyncio.run(_engine(one, range(1, people + 1), windows, runs))


async def _engine(one: Stage, people: range, windows: int, runs: int) -> list[Figure]:
    await one.write(REGISTRY, registry_rows(people, one.settings.partitions))
    total = len(people) * windows
    rows = sms_rows(people, range(windows), one.settings.partitions)
    sample, few = one.name("sample"), list[Row]()
    reports = await one.write(SMS, sampled(rows, few), ProgressLine("reports made", total))
    await one.create(sample)
    await one.write(sample, chain(((number, b"0", b"passed") for number in range(one.settings.partitions)), few))
    rates: dict[str, list[float]] = {"bare": [], "says": [], "watch": [], "faust": []}
    micros: dict[str, list[float]] = {name: [] for name in rates}  # microseconds of CPU for each report
    outputs = 2 * reports  # each report is one, and each changes a window to awake
    for run in range(runs):
        states = one.name(f"states-{run}")
        await one.create(states)
        for name, arguments, said in (("bare", (), 0), ("says", (states,), outputs)):
            with Child(one, "bare", one.name(f"{name}-{run}"), str(reports), *arguments) as bare:
                found = await bare.answer()
            checked((found["awake"], found["outputs"]) == (reports, said),
                    f"the bare loop judged {found['awake']} of {reports} windows, and wrote {found['outputs']} outputs")
            rates[name].append(reports / found["seconds"])
            micros[name].append(found["cpu_s"] / reports * 1e6)
        settings = await one.app(f"watch-{run}")
        await begin_changelog(one, settings, people)
        with Child(one, "watch", settings.app_id, SMS, str(reports)) as watch:
            found = await watch.answer()
        checked(found["outputs"] == {"reports": outputs}, f"the worker wrote {found['outputs']}, not {outputs} reports")
        rates["watch"].append(reports / found["seconds"])
        micros["watch"].append(found["cpu_s"] / reports * 1e6)
        await _check_states(one, settings, people, Half(windows - 1))
        found = await _plain_faust(one, f"faust-{run}", people, sample, len(few))
        judged = found["outputs"] // 2
        rates["faust"].append(judged / found["seconds"])
        micros["faust"].append(found["cpu_s"] / judged * 1e6)
        say(f"run {run + 1} of {runs}: " + ", ".join(f"{name} {rate[-1]:,.0f}/s" for name, rate in rates.items()))
    each = list(zip(*rates.values(), strict=True))
    return [*(Figure(NAME, f"{name}_per_s", statistics.median(rate)) for name, rate in rates.items()),
            Figure(NAME, "ratio_to_bare", statistics.median(watch / bare for bare, _, watch, _ in each)),
            Figure(NAME, "ratio_to_says", statistics.median(watch / says for _, says, watch, _ in each), 0.8),
            Figure(NAME, "ratio_to_faust", statistics.median(watch / faust for *_, watch, faust in each), 10),
            *(Figure(NAME, f"{name}_cpu_us", statistics.median(micro)) for name, micro in micros.items())]


async def _plain_faust(one: Stage, what: str, people: range, sample: str, count: int) -> dict[str, Any]:
    """The result of plain Faust. If it misses reports, a message says so. If it misses half or more, it runs again:
    while a table takes long to recover, Faust forgets the records that it had fetched before."""
    for attempt in range(ATTEMPTS):
        name = one.name(f"{what}-{attempt}")
        await begin_table(one, name, people)
        await begin_at(one, name, sample, 1)
        with Child(one, "plain_faust", name, sample, str(count)) as faust:
            found = await faust.answer()
        judged = found["outputs"] // 2
        if judged < count:
            say(f"plain Faust missed {count - judged} of {count} reports: its rate is of the others")
        if judged * 2 > count:
            return found
    raise WrongResultError(f"plain Faust missed most of {count} reports, {ATTEMPTS} times")


def registry_rows(people: range, partitions: int) -> Iterator[Row]:
    for subject in people:
        yield partition_of(subject, partitions), b"%d" % subject, nation.registry(subject)


def sms_rows(people: range, windows: range, partitions: int) -> Iterator[Row]:
    for number in windows:
        for subject, value in nation.reports(people, Half(number), all_awake=True):
            yield partition_of(subject, partitions), b"%d" % subject, value


def sampled(rows: Iterable[Row], sample: list[Row]) -> Iterator[Row]:
    """The rows. Each row of one person of FAUST_SHARE goes into the sample as well."""
    for row in rows:
        if int(row[1] or b"") % FAUST_SHARE == 0:
            sample.append(row)
        yield row


def state(subject: int) -> bytes:
    """The state of a person who is registered and has not yet reported."""
    profile = parse_profile(parse_object(nation.registry(subject)))
    return codec.pack_person(step(None, Registered(profile, nation.BEFORE, Standing(nation.BEFORE)))[0])


async def begin_changelog(one: Stage, settings: Settings, people: range, *, from_now: bool = False) -> None:
    """Write the changelog of a worker that has read the registry and no SMS.

    from_now: whether the SMS until now count as read.
    """
    partitions, registered, sms = settings.partitions, await one.ends(REGISTRY), await one.ends(SMS)

    def rows() -> Iterator[Row]:
        for subject in people:
            yield partition_of(subject, partitions), b"%d" % subject, state(subject)
        for number in range(partitions):
            yield number, DONE, inputs_done({REGISTRY: registered[number], SMS: sms[number] if from_now else 0})

    await one.write(changelog(settings), rows())


async def begin_table(one: Stage, app_id: str, people: range) -> None:
    """Write the same people to the changelog of a Faust table."""
    topic = f"{app_id}-people-changelog"
    await one.create(topic)
    await one.write(topic, ((partition_of(subject, one.settings.partitions), b"%d" % subject, state(subject))
                            for subject in people))


async def begin_at(one: Stage, group: str, topic: str, offset: int) -> None:
    """Commit an offset of a topic for a group. If nothing or 0 is committed, Faust does not go back to the beginning
    when it has recovered its table, and misses the records that it had fetched before."""
    consumer = AIOKafkaConsumer(**kafka_options(one.settings), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(one.settings.partitions)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, offset))
    finally:
        await stop_consumer(consumer)


async def _check_states(one: Stage, settings: Settings, people: range, half: Half) -> None:
    """Check in the changelog that every person was awake in the last window. Raises WrongResultError."""
    lane = LaneState(0)
    async for record in one.read(changelog(settings)):
        if record.key[:1] != b"\0":
            lane.restore(record.key, record.value)
    for subject in people:
        result = result_at(lane.somebody(subject).results, half.window)
        checked(result is Result.AWAKE, f"the changelog says of {subject} in the last window {result}")
