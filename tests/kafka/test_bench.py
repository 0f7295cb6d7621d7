"""The benchmarks answer on a real Apache Kafka, in small; and a wrong result has status 1 and no figures."""

import asyncio
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from click.testing import CliRunner, Result

from bench import nation
from cli.main import main
from streams.local_kafka import LocalKafka

FIGURES = {
    "engine": {*(f"{name}_{what}" for name in ("bare", "watch", "faust") for what in ("per_s", "cpu_us")),
               "ratio_to_bare", "ratio_to_faust"},
    "latency": {*(f"{name}_{part}_ms" for name in ("alert", "echo") for part in ("p50", "p99", "p99_9")),
                "p50_to_echo"},
    "failover": {"median_s", "worst_s", "session_s"},
    "recovery": {"people", "seconds", "peak_mb", "people_per_s", "faust_seconds_scaled", "ratio_to_faust"},
    "morning": {"people", "judged_right", "people_per_s", "seconds", "peak_mb", "registered_per_s", "recovered_in_s"},
}


def run(kafka: LocalKafka, name: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["bench", name, "--broker", kafka.address, "--json", *options])


def figures(kafka: LocalKafka, name: str, *options: str) -> dict[str, dict[str, Any]]:
    done = run(kafka, name, *options)
    assert done.exit_code == 0, done.output
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert all(line.keys() == {"bench", "figure", "value", "aim", "met"} and line["bench"] == name for line in lines)
    found = {line["figure"]: line for line in lines}
    assert found.keys() == FIGURES[name]
    return found


@pytest.mark.timeout(240)
def test_engine(kafka: LocalKafka) -> None:
    found = figures(kafka, "engine", "--people", "200", "--windows", "2", "--runs", "1")
    assert found["ratio_to_bare"]["aim"] == 0.7
    assert found["ratio_to_faust"]["aim"] == 10


@pytest.mark.timeout(240)
def test_latency(kafka: LocalKafka) -> None:
    found = figures(kafka, "latency", "--rate", "100", "--seconds", "2")
    assert 0 < found["alert_p50_ms"]["value"] <= found["alert_p99_9_ms"]["value"]


@pytest.mark.timeout(240)
def test_failover(kafka: LocalKafka) -> None:
    assert figures(kafka, "failover", "--rate", "100", "--people", "100", "--runs", "1")["median_s"]["value"] > 0


@pytest.mark.timeout(240)
def test_recovery_and_morning_share_a_broker(kafka: LocalKafka) -> None:
    """A benchmark takes away what it has made, so the next one finds an empty broker."""
    assert figures(kafka, "recovery", "--people", "2000")["people"]["value"] == 2000
    assert figures(kafka, "morning", "--people", "2000")["judged_right"]["met"]


@pytest.mark.timeout(240)
def test_a_wrong_morning_has_no_figures(kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the worker had told an alert about somebody who is well."""
    right = nation.alert
    monkeypatch.setattr(nation, "alert", lambda subject: None if subject == 101 else right(subject))
    done = run(kafka, "morning", "--people", "200")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "(101, 'not_awake')" in done.stderr


def test_a_broker_in_use_is_refused(kafka: LocalKafka) -> None:
    async def use() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
        await admin.start()
        await admin.create_topics([NewTopic("sms", 4, 1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
            await producer.send_and_wait("sms", b"{}", partition=0)

    asyncio.run(use())
    done = run(kafka, "recovery", "--people", "10")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "has records in topic sms" in done.stderr
