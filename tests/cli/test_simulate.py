"""A fleet through Kafka and a real worker, or to a gateway; and what the gateway's process says when it cannot run."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from support.commands import Anbu
from support.gateway import RunningGateway, read_sms, running_gateway
from support.worker import WorkerProcess

from cli.broker import SubjectRecord, publish
from cli.registry import read_profiles
from local.embedded import free_port
from models.times import parse_time
from runtime.clock import SharedClock, SystemClock
from runtime.settings import Settings
from simulator.fleet import GATEWAY, Fleet
from streams.topics import REGISTRY, declare

ANBU = Path(sys.executable).with_name("anbu")


@pytest.mark.timeout(180)
def test_a_fleet_through_a_worker_is_judged_right(anbu: Anbu, tmp_path: Path) -> None:
    """The worker starts while the registry is written; nobody is met before being known."""
    keks = tmp_path / "fleet.json"
    keks.write_bytes(orjson.dumps(Fleet(60, seed=3).keks()))
    with WorkerProcess(tmp_path / "worker", ANBU_PARTITIONS="4", ANBU_KEK_FILE=str(keks)) as worker:
        worker.start()
        done = anbu("simulate", "--subjects", 60, "--seed", 3, "--truth", tmp_path / "truth", "--to", "kafka",
                    ANBU_KAFKA=worker.settings.kafka)
        assert (done.exit_code, "no worker" in done.stderr) == (0, False)

        async def judged() -> None:
            async with httpx.AsyncClient() as http:
                await worker.wait_idle(http)

        asyncio.run(judged())
        (tmp_path / "alerts").write_text(anbu("alerts", "--json", ANBU_KAFKA=worker.settings.kafka).stdout)
    found = anbu("score", "--truth", tmp_path / "truth", "--alerts", tmp_path / "alerts", "--json")
    assert orjson.loads(found.stdout) == {"due": 21, "missed": 0, "late": 0, "false": 0}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("ended", ["its days are over", "SIGTERM"])
def test_a_live_fleet_leaves_no_outage_behind(anbu: Anbu, tmp_path: Path, ended: str) -> None:
    """In a system whose worker has a clock, from nine in the evening on, with keys that were made before the day was
    known: what happens is told, and what is open is cleared in the end."""
    fleet = Fleet(60, 1, date(2031, 5, 6), seed=187)
    clock = SharedClock.create(tmp_path / "clock", fleet.begin + 21 * 3600 + 30)
    assert anbu("simulate", "--seed", 187, "--subjects", 1, "--to", "file:/dev/null", "--kek", tmp_path / "kek",
                ).exit_code == 0
    with WorkerProcess(tmp_path / "worker", ANBU_PARTITIONS="4", ANBU_KEK_FILE=str(tmp_path / "kek"),
                       ANBU_CLOCK_FILE=str(tmp_path / "clock"), ANBU_CLOCK_TICK_S="60") as worker:
        worker.start()
        began = int(clock.now())
        simulator = subprocess.Popen([ANBU, "simulate", "--subjects", "60", "--seed", "187", "--to", "kafka", "--live"],
                                     env=worker.environ, stderr=subprocess.PIPE, text=True)
        try:
            end = fleet.end if ended == "its days are over" else fleet.end - 2 * 3600
            for at in range(began // 60 * 60 + 60, end + 1, 60):
                clock.set(at)
                wait_until(worker, partial(is_judged, until=at))
            if ended == "SIGTERM":
                simulator.terminate()
            assert simulator.wait(30) == 0
        finally:
            simulator.kill()
            said = simulator.communicate()[1]
        assert "60 homes live until 2031-05-06T15:00:00Z" in said
        assert "its people are retired" in said

        clock.set(end + 1800)
        sms = asyncio.run(read_ticked(worker.settings, end + 1800))
        wait_until(worker, lambda lane: not any(lane["lag"].values()))
        alerts = {one["alert"]: one for one in (orjson.loads(line)["data"] for line in anbu(
            "alerts", "--json", ANBU_KAFKA=worker.settings.kafka).stdout.splitlines())}
        profiles = asyncio.run(read_profiles(worker.settings))
    expected = sorted(one.id for one in fleet.deliveries() if began <= one.at <= end)
    assert sorted(one["id"] for one in sms if one["type"] == "sms") == expected
    assert len(expected) > 3
    assert alerts
    assert [one["alert"] for one in alerts.values() if one["kind"] == "gateway_outage" or one["active"]] == []
    assert {profile["retired"] for profile in profiles.values()} == {True}


def wait_until(worker: WorkerProcess, holds: Callable[[dict[str, Any]], bool]) -> None:
    """Until the worker says so of each of its lanes."""
    async def wait() -> None:
        async with httpx.AsyncClient() as http, asyncio.timeout(60):
            while True:
                with contextlib.suppress(KeyError):  # a gateway that has not been judged yet
                    health = await worker.health(http)
                    if health is not None and health["ready"] and all(map(holds, health["lanes"].values())):
                        return
                await asyncio.sleep(0.01)

    asyncio.run(wait())


def is_judged(lane: dict[str, Any], until: int) -> bool:
    return parse_time(lane["judged_until"][GATEWAY], "until") >= until


async def read_ticked(settings: Settings, at: int) -> list[dict[str, Any]]:
    """All of topic `sms`, once the worker's clock has told of this time in every lane."""
    async with asyncio.timeout(60):
        while True:
            found = await read_sms(settings)
            if len(found) == settings.partitions and all(
                    any(one.get("source") == "clock" and parse_time(one["at"], "at") >= at for one in records)
                    for records in found.values()):
                return [one for records in found.values() for one in records]


def test_a_fleet_takes_no_number_of_a_registered_person(anbu: Anbu, settings: Settings) -> None:
    """The devices of the registered people would no longer be accepted."""
    profiles = [SubjectRecord(REGISTRY, one["subject"], one) for one in Fleet(2, seed=2).registry()]
    asyncio.run(publish(profiles, settings))
    done = anbu("simulate", "--subjects", 3, "--to", "kafka")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "2 numbers of this fleet, such as 1001, are in the registry already" in done.stderr
    assert len(asyncio.run(read_profiles(settings))) == 2


def test_a_live_fleet_needs_kafka_and_todays_date(anbu: Anbu, tmp_path: Path) -> None:
    done = anbu("simulate", "--live", "--to", f"file:{tmp_path / 'day'}")
    assert (done.exit_code, "--live is for --to kafka" in done.stderr) == (2, True)
    done = anbu("simulate", "--live", "--start", "2020-01-01", "--to", "kafka")
    assert (done.exit_code, "the days of this fleet are from 2019-12-31T15:00:00Z" in done.stderr) == (2, True)


def test_today_is_the_local_date_of_the_homes(anbu: Anbu, tmp_path: Path) -> None:
    """At eight in the evening of London's summer it is tomorrow in Seoul."""
    SharedClock.create(tmp_path / "clock", parse_time("2031-05-05T19:00:00Z", "at"))
    done = anbu("simulate", "--live", "--subjects", 1, "--to", "kafka", ANBU_CLOCK_FILE=str(tmp_path / "clock"))
    assert (done.exit_code, "no broker answers" in done.stderr) == (1, True)  # and not: --start


def test_a_fleet_reports_to_a_gateway(anbu: Anbu, settings: Settings) -> None:
    with running_gateway(settings, SystemClock()) as gateway:
        gateway.wait_until_up()
        done = anbu("simulate", "--subjects", 20, "--to", gateway.url)
        assert done.exit_code == 0
        found = asyncio.run(read_sms(settings))
    names = sorted(one["id"] for records in found.values() for one in records if one["type"] == "sms")
    assert names == sorted(one.id for one in Fleet(20).deliveries())
    assert f"{len(names)} records" in done.stderr


def test_a_gateway_or_broker_that_does_not_answer_is_reported(anbu: Anbu) -> None:
    done = anbu("simulate", "--subjects", 1, "--to", "http://127.0.0.1:1")
    assert (done.exit_code, "no gateway answers" in done.stderr) == (1, True)
    done = anbu("simulate", "--subjects", 1, "--to", "kafka")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)


def test_a_gateway_without_a_secret_is_refused(anbu: Anbu) -> None:
    done = anbu("gateway", ANBU_GATEWAY_SECRET=None)
    assert (done.exit_code, done.stderr.count("\n"), "ANBU_GATEWAY_SECRET" in done.stderr) == (2, 1, True)


def test_the_gateway_command_ends_if_a_topic_has_another_number_of_partitions(environ: dict[str, str],
                                                                              settings: Settings) -> None:
    asyncio.run(declare(settings))
    ended = subprocess.run([ANBU, "gateway"], env={**environ, "ANBU_PARTITIONS": "3", "ANBU_GATEWAY_PORT": "0"},
                           capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.count("\n"), "ANBU_PARTITIONS" in ended.stderr) == (2, 1, True)


def test_a_gateway_ends_after_sigterm(environ: dict[str, str], settings: Settings) -> None:
    """The process itself: it answers, ticks, and leaves at SIGTERM."""
    port = free_port()
    process = subprocess.Popen([ANBU, "gateway"], env={**environ, "ANBU_GATEWAY_PORT": str(port)},
                               stderr=subprocess.PIPE, text=True)
    try:
        gateway = RunningGateway(f"http://127.0.0.1:{port}", settings, SystemClock())
        gateway.wait_until_up()
        assert gateway.post({"text": "W."}).status_code == 202
        process.terminate()
        process.wait(30)
    finally:
        process.kill()
        said = process.communicate()[1]
    assert said == ""
    assert any(one["type"] == "tick" for records in asyncio.run(read_sms(settings)).values() for one in records)
