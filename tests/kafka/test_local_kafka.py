"""The broker of tests is what they take it for: it keeps what it has acknowledged, also where a node dies."""

import os
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from local.kafka import KafkaMissingError, LocalKafka
from runtime.settings import Settings
from streams.engine.changelog import read, reader
from streams.kafka import started_producer
from streams.topics import SMS, declare


def settings_of(kafka: LocalKafka) -> Settings:
    return Settings.from_env({"ANBU_KAFKA": kafka.address, "ANBU_PARTITIONS": "1",
                              "ANBU_REPLICATION": str(len(kafka.nodes))})


async def write(settings: Settings, value: bytes) -> None:
    async with started_producer(settings) as sender:
        await sender.send_and_wait(SMS, value, partition=0)


async def values(settings: Settings) -> list[bytes]:
    async with reader(settings) as consumer:
        return [record.value async for record in read(consumer, TopicPartition(SMS, 0))]


async def test_a_node_keeps_its_data_over_a_restart(kafka: LocalKafka) -> None:
    settings = settings_of(kafka)
    await declare(settings)
    await write(settings, b"1")
    kafka.restart()
    await write(settings, b"2")
    kafka.nodes[0].kill()
    kafka.start()
    assert await values(settings) == [b"1", b"2"]


async def test_two_of_three_brokers_go_on_when_one_dies(tmp_path: Path) -> None:
    with LocalKafka(tmp_path, nodes=3) as kafka:
        settings = settings_of(kafka)
        await declare(settings)
        for node in kafka.nodes:
            await write(settings, b"before")
            node.kill()
            await write(settings, b"without")
            node.start()
        assert await values(settings) == [b"before", b"without"] * 3


@pytest.mark.parametrize(("path", "cache", "told"), [
    ("", None, "apt-get install openjdk"), (os.environ["PATH"], "empty", "make kafka")])
def test_a_missing_kafka_is_reported_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str,
                                                   cache: str | None, told: str) -> None:
    monkeypatch.setenv("PATH", path)
    if cache is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
    with pytest.raises(KafkaMissingError, match=told):
        LocalKafka(tmp_path)
