"""The benchmarks answer on a real Apache Kafka, in small; and a wrong result has status 1 and no figures."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from click.testing import CliRunner, Result

from bench import nation
from bench.stage import Stage
from cli.main import main
from local.kafka import LocalKafka

FIGURES = {
    "engine": {*(f"{name}_{what}" for name in ("bare", "says", "watch", "faust") for what in ("per_s", "cpu_us")),
               "ratio_to_bare", "ratio_to_says", "ratio_to_faust"},
    "latency": {*(f"{name}_{part}_ms" for name in ("alert", "echo") for part in ("p50", "p99", "p99_9")),
                "p50_to_echo", "reached_per_s"},
    "failover": {"median_s", "worst_s", "session_s", "reached_per_s"},
    "recovery": {"people", "seconds", "peak_mb", "people_per_s", "faust_seconds_scaled", "ratio_to_faust"},
    "morning": {"people", "judged_right", "people_per_s", "seconds", "peak_mb", "registered_per_s", "recovered_in_s"},
}


def run(kafka: LocalKafka, name: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["bench", name, "--broker", kafka.address, "--json", *options])


def figures(kafka: LocalKafka, name: str, *options: str) -> dict[str, dict[str, Any]]:
    done = run(kafka, name, *options)
    assert done.exit_code == 0, done.output
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert all(line.keys() == {"bench", "figure", "value", "aim", "met", "python"} for line in lines)
    assert {line["bench"] for line in lines} == {name}
    found = {line["figure"]: line for line in lines}
    assert found.keys() == FIGURES[name]
    assert not list(Path().glob("bench-*")), "it left files where it was called"
    return found


@pytest.mark.timeout(240)
def test_the_engine_benchmark_prints_its_figures(kafka: LocalKafka) -> None:
    found = figures(kafka, "engine", "--people", "200", "--windows", "2", "--runs", "1")
    assert found["ratio_to_says"]["aim"] == 0.8
    assert found["ratio_to_bare"]["aim"] is None
    assert found["ratio_to_faust"]["aim"] == 10


@pytest.mark.timeout(240)
def test_the_latency_benchmark_prints_its_figures(kafka: LocalKafka) -> None:
    found = figures(kafka, "latency", "--rate", "100", "--seconds", "2")
    assert 0 < found["alert_p50_ms"]["value"] <= found["alert_p99_9_ms"]["value"]
    assert found["reached_per_s"]["aim"] == 95
    assert (found["alert_p50_ms"]["aim"] is not None) is found["reached_per_s"]["met"]


@pytest.mark.timeout(240)
def test_the_failover_benchmark_prints_its_figures(kafka: LocalKafka) -> None:
    assert figures(kafka, "failover", "--rate", "100", "--people", "100", "--runs", "1")["median_s"]["value"] > 0


@pytest.mark.timeout(240)
def test_recovery_and_morning_share_a_broker(kafka: LocalKafka) -> None:
    """A benchmark takes away what it has made, so the next one finds an empty broker."""
    assert figures(kafka, "recovery", "--people", "2000")["people"]["value"] == 2000
    assert figures(kafka, "morning", "--people", "2000")["judged_right"]["met"]


@pytest.mark.timeout(240)
def test_a_wrongly_judged_morning_has_no_figures(kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker seems to have opened an alert on a person who is awake."""
    right = nation.alert
    monkeypatch.setattr(nation, "alert", lambda subject: None if subject == 101 else right(subject))
    done = run(kafka, "morning", "--people", "200")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "(101, 'not_awake')" in done.stderr


THEIRS = {"bench-of-others", "faust-people-changelog"}


@pytest.fixture
def shared(kafka: LocalKafka) -> LocalKafka:
    """A broker on which others have topics, some by names that a benchmark might have thought of."""
    asyncio.run(make(kafka, *THEIRS))
    return kafka


async def make(kafka: LocalKafka, *names: str) -> None:
    async with admin_of(kafka) as admin:
        await admin.create_topics([NewTopic(name, 4, 1) for name in names])
        while not {*names} <= {*await admin.list_topics()}:  # it lists them some time after it has made them
            await asyncio.sleep(0.05)


async def topics_of(kafka: LocalKafka) -> set[str]:
    async with admin_of(kafka) as admin:
        return {name for name in await admin.list_topics() if not name.startswith("__")}


@asynccontextmanager
async def admin_of(kafka: LocalKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@pytest.mark.timeout(240)
def test_the_topics_of_others_stay(shared: LocalKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """The topics of the benchmark are removed, also if its result is wrong."""
    figures(shared, "engine", "--people", "20", "--windows", "1", "--runs", "1")
    assert asyncio.run(topics_of(shared)) == THEIRS
    monkeypatch.setattr(nation, "alert", lambda _: "none that there is")
    assert run(shared, "morning", "--people", "20").exit_code == 1
    assert asyncio.run(topics_of(shared)) == THEIRS


@pytest.mark.parametrize("name", ["alerts", "sms"])
def test_a_broker_in_use_is_refused(shared: LocalKafka, name: str) -> None:
    """The topic is empty, but its readers must not get records of invented people."""
    asyncio.run(make(shared, name))
    done = run(shared, "recovery", "--people", "10")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"is in use, it has {name} already" in done.stderr
    assert asyncio.run(topics_of(shared)) == {*THEIRS, name}


async def test_topics_that_the_broker_does_not_list_yet_are_removed(shared: LocalKafka, tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    async def lagging(_: AIOKafkaAdminClient) -> list[str]:
        return []

    place = Stage(tmp_path, shared.address, {})
    await place.prepare()
    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaAdminClient, "list_topics", lagging)
        await place.clean()
    async with asyncio.timeout(30):
        while await topics_of(shared) != THEIRS:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("number", "awaited"), [(signal.SIGINT, "sms"),
                                                 (signal.SIGTERM, "-latency-0-people-changelog")])
async def test_an_interrupted_benchmark_removes_its_topics(shared: LocalKafka, number: signal.Signals,
                                                           awaited: str) -> None:
    """The benchmark is interrupted while it creates topics, or later."""
    command = [str(Path(sys.executable).with_name("anbu")), "bench", "latency", "--broker", shared.address,
               "--rate", "10", "--seconds", "600"]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(60):
        while not any(name.endswith(awaited) for name in await topics_of(shared)):
            await asyncio.sleep(0.01)
        process.send_signal(number)
        said = (await process.communicate())[1].decode()
    assert (process.returncode, "Aborted!" in said, "Traceback" in said) == (1, True, False), said
    assert await topics_of(shared) == THEIRS
