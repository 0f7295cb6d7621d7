"""`anbu doctor` on a real broker: it finds no error, or names each fault and its remedy."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, KafkaTimeoutError, NotEnoughReplicasError, TopicAuthorizationFailedError
from click.testing import CliRunner
from support.database import database_server, database_url, store

from cli import doctor as doctor_module
from cli.broker import Writable, write
from cli.main import main
from local.embedded import embedded_broker, free_port
from local.kafka import LocalKafka
from runtime.settings import Settings
from stores.mongo import Store
from stores.people import People
from streams.engine.changelog import PLAN
from streams.engine.writer import Writer
from streams.kafka import administration, started_producer
from streams.partition import partition_of
from streams.topics import REGISTRY, changelog, declare, topics

__all__ = ["database_server", "database_url", "store"]


@pytest.fixture
def environ(kafka: LocalKafka, database_url: str) -> dict[str, str]:
    return {"ANBU_KAFKA": kafka.address, "ANBU_MONGODB": database_url, "ANBU_PARTITIONS": "2",
            "ANBU_KEK": orjson.dumps({"k1": "A" * 43 + "="}).decode()}


def examined(environ: dict[str, str]) -> tuple[int, dict[str, tuple[str, str]]]:
    done = CliRunner().invoke(main, ["doctor", "--json"], env=environ, catch_exceptions=False)
    findings = [orjson.loads(line) for line in done.stdout.splitlines()]
    return done.exit_code, {one["check"]: (one["state"], one["detail"]) for one in findings}


async def register(settings: Settings, people: int) -> None:
    await declare(settings)
    async with started_producer(settings) as sender:
        for subject in range(people):
            profile = {"subject": subject, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
                       "since": "2026-01-01T00:00:00Z"}
            await sender.send(REGISTRY, orjson.dumps(profile), key=b"%d" % subject, partition=partition_of(subject, 2))


async def topics_of(settings: Settings) -> list[str]:
    async with administration(settings) as admin:
        return [name for name in await admin.list_topics() if "doctor" in name]


def test_a_healthy_system_has_no_errors(environ: dict[str, str]) -> None:
    settings = Settings.from_env(environ)
    asyncio.run(register(settings, 60))
    status, found = examined(environ)
    assert {name: state for name, (state, _) in found.items()} == {
        "keys": "ok", "broker": "warning", "topics": "ok", "fencing": "ok", "clock": "ok",
        "database": "ok", "numbers": "ok", "lanes": "ok", "answers": "ok"}
    assert "ANBU_REPLICATION is 1" in found["broker"][1]
    assert status == 0
    assert asyncio.run(topics_of(settings)) == []
    done = CliRunner().invoke(main, ["doctor"], env=environ, catch_exceptions=False)
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(found)


def test_faults_of_topics_and_lanes_are_named(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.from_env(environ)
    asyncio.run(register(settings, 10))

    async def spoil() -> None:
        async with administration(settings) as admin:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, changelog(settings),
                                                      {"cleanup.policy": "compact"})])

    asyncio.run(spoil())
    monkeypatch.setattr(doctor_module, "CLOCK_S", -1.0)
    # A broker that shuts nobody out, as it looks from here: writers that do not ask for it.
    monkeypatch.setattr(doctor_module, "Writer", lambda found, number: Writer(replace(found, guarantee="none"), number))
    status, found = examined({**environ, "ANBU_MONGODB": f"mongodb://127.0.0.1:{free_port()}/x", "ANBU_KEK": "{}"})
    assert status == 1
    assert {name: state for name, (state, _) in found.items() if state == "error"} == dict.fromkeys(
        ["keys", "topics", "fencing", "clock", "database", "numbers"], "error")
    assert "min.compaction.lag.ms" in found["topics"][1]
    assert found["lanes"][0] == "warning"
    assert "gateway seoul-1 has 10 people in 2 lanes" in found["lanes"][1]
    status, found = examined({**environ, "ANBU_PARTITIONS": "3", "ANBU_REPLICATION": "3"})
    assert "partitions cannot be changed" in found["topics"][1]
    assert found["broker"] == ("error", "ANBU_REPLICATION is 3, but there are 1 brokers")


async def test_an_erased_number_that_is_used_again_is_an_error(environ: dict[str, str], store: Store) -> None:
    settings = Settings.from_env(environ)
    await register(settings, 3)
    for subject in (2, 7):
        await People(store.database).mark_erased(subject, "2026-11-24T00:00:00Z")
    status, found = await asyncio.to_thread(examined, environ)
    assert (status, found["numbers"][0]) == (1, "error")
    assert "erased numbers are registered: 2; alerts on these people reach no caseworker" in found["numbers"][1]


async def test_a_misplaced_profile_is_ignored(environ: dict[str, str], store: Store) -> None:
    """`watch` has forwarded the profile, and the tombstone of the erased person is in the right partition."""
    settings = Settings.from_env(environ)
    await register(settings, 3)
    profile = {"subject": 2, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
               "since": "2026-01-01T00:00:00Z"}
    mine = partition_of(2, 2)
    await write([Writable(REGISTRY, 1 - mine, b"2", orjson.dumps(profile)), Writable(REGISTRY, mine, b"2", None)],
                settings)
    await People(store.database).mark_erased(2, "2026-11-24T00:00:00Z")
    _, found = await asyncio.to_thread(examined, environ)
    assert found["numbers"][0] == "ok"
    assert "has 2 people" in found["lanes"][1]


async def test_a_wrong_retention_of_a_topic_is_reported(kafka: LocalKafka) -> None:
    settings = Settings.from_env({"ANBU_KAFKA": kafka.address})
    await declare(settings)
    async with administration(settings) as admin:
        for topic in topics(settings):
            for name, value in (("cleanup.policy", "compact,delete"), ("cleanup.policy", "delete"),
                                ("min.compaction.lag.ms", "0"), ("max.compaction.lag.ms", str(2 ** 63 - 1)),
                                ("delete.retention.ms", "1000"), ("max.message.bytes", "1048588")):
                if "max.compaction.lag.ms" in topic.config and name in topic.config:
                    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name,
                                                              {**topic.config, name: value})])
                    state, detail = await doctor_module._topics(settings)
                    assert (state, detail.partition(";")[0]) == ("error", f"topic {topic.name}: {name} is {value}")
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, topic.config)])
    assert (await doctor_module._topics(settings))[0] == "ok"


def test_a_broker_that_is_away_is_an_error(environ: dict[str, str]) -> None:
    status, found = examined({**environ, "ANBU_KAFKA": f"127.0.0.1:{free_port()}"})
    assert (status, found["broker"][0], set(found)) == (1, "error", {"keys", "broker", "database"})


def test_the_embedded_broker_is_examined(tmp_path: Path, environ: dict[str, Any]) -> None:
    with embedded_broker(tmp_path) as broker:
        _, found = examined({**environ, "ANBU_KAFKA": broker.address, "ANBU_GUARANTEE": "none"})
        assert found["fencing"][0] == "warning"
        _, found = examined({**environ, "ANBU_KAFKA": broker.address})
        assert found["fencing"][0] == "error"


def spoiled(before: Callable[[], None]) -> type[Writer]:
    """A writer before whose last record something happens."""

    class Spoiled(Writer):
        async def write(self, topic: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
            some = list(records)
            if some[0][0] == PLAN:
                before()
            await super().write(topic, some)

    return Spoiled


def test_a_lost_broker_does_not_count_as_fencing(kafka: LocalKafka, environ: dict[str, str],
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "PATIENCE_S", 3.0)
    monkeypatch.setattr(doctor_module, "Writer", spoiled(kafka.nodes[0].kill))
    _, found = examined(environ)
    assert found["fencing"] == ("error", "no answer within 3 s")
    assert "no broker answers" in found["clock"][1]


@pytest.mark.parametrize(("error", "told"), [
    (TopicAuthorizationFailedError("scratch"), "access control lists"), (KafkaTimeoutError(), "no answer within 30 s"),
    (NotEnoughReplicasError(), "NotEnoughReplicasError")])
def test_another_error_does_not_count_as_fencing(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch,
                                                 error: KafkaError, told: str) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(doctor_module, "Writer", spoiled(fail))
    _, found = examined(environ)
    assert found["fencing"][0] == "error"
    assert told in found["fencing"][1]
