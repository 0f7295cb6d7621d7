"""One clock for many processes, one partition for each subject, one set of topics."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from local.embedded import ChildService, EmbeddedError, embedded_broker, free_port
from runtime.clock import SharedClock, SystemClock, clock_of
from runtime.settings import Settings, SettingsError
from streams.partition import partition_of, partition_of_key
from streams.topics import declare


def test_a_shared_clock_is_one_for_all_processes(tmp_path: Path) -> None:
    clock = SharedClock.create(tmp_path / "clock", 5.5)
    other = clock_of(str(tmp_path / "clock"))
    assert other.virtual
    clock.set(1_795_467_845.25)
    assert other.now() == 1_795_467_845.25
    code = f"from runtime.clock import clock_of; print(clock_of({str(tmp_path / 'clock')!r}).now())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[2])
    assert float(done.stdout) == 1_795_467_845.25
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(1.0)


def test_the_system_s_clock() -> None:
    clock = clock_of(None)
    assert isinstance(clock, SystemClock)
    assert not clock.virtual
    assert abs(clock.now() - time.time()) < 60


@given(st.binary(max_size=40), st.integers(1, 300))
def test_partitions_are_kafka_s_own(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_of_key(key, partitions) == DefaultPartitioner()(key, numbers, numbers)


def test_the_partition_of_a_subject_is_that_of_its_number() -> None:
    for subject in (0, 1, 42, 2**32 - 1):
        assert partition_of(subject, 4) == partition_of_key(str(subject).encode(), 4)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as service:
        yield service.address


async def test_a_topic_with_another_number_of_partitions_is_refused(broker: str) -> None:
    await declare(Settings.from_env({"ANBU_KAFKA": broker, "ANBU_PARTITIONS": "2"}))
    await declare(Settings.from_env({"ANBU_KAFKA": broker, "ANBU_PARTITIONS": "2"}))
    with pytest.raises(SettingsError, match=r"ANBU_PARTITIONS is 3, but topic .* has 2"):
        await declare(Settings.from_env({"ANBU_KAFKA": broker, "ANBU_PARTITIONS": "3"}))


async def test_a_worker_waits_for_a_broker_that_is_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    waiting = asyncio.create_task(declare(Settings.from_env({"ANBU_KAFKA": f"127.0.0.1:{port}"})))
    while "no broker answers at" not in caplog.text:
        assert not waiting.done()
        await asyncio.sleep(0.02)
    with embedded_broker(tmp_path, port):
        await asyncio.wait_for(waiting, 30)


def test_a_service_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no room'); raise SystemExit(3)"]
    with pytest.raises(EmbeddedError, match="no room"):
        ChildService(command, free_port(), tmp_path / "log").start()
