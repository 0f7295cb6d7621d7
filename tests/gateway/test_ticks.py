"""A tick at T in a partition: all SMS accepted before T are in front of it, however slow the parts are."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import orjson
import pytest
from support.broker import a_broker
from support.gateway import NAME, SECRET, RunningGateway, gateway_settings, read_sms, running_gateway
from support.page import NOW, StoppedClock, wait_until
from support.proxy import Proxy, proxy

from gateway.adapters.generic import signed
from gateway.publisher import Publisher
from gateway.sms import Refused
from gateway.ticks import true_time
from local.embedded import free_port
from models.times import format_time, parse_time
from models.wire.frame import to_text
from runtime.clock import SharedClock
from runtime.settings import Settings

SENDERS, EACH = 16, 12


@pytest.mark.parametrize(("now", "oldest", "alone", "expected"), [
    (100.9, None, True, 100),
    (100.9, 95.9, True, 95),
    (100.9, 101.0, True, 100),
    (100.9, None, False, 90),
    (100.9, 95.0, False, 90),
    (100.9, 85.5, False, 85),  # a machine so slow that an answer took longer than it may
])
def test_a_tick_has_the_latest_time_that_is_true(now: float, oldest: float | None, alone: bool, expected: int) -> None:
    assert true_time(now, oldest, alone=alone) == expected


async def test_an_sms_in_hand_holds_the_ticks_back() -> None:
    clock = StoppedClock(1000.5)
    publisher = Publisher(gateway_settings(), clock)
    assert publisher.oldest() is None
    async with publisher.arrival() as first:
        clock.at = 1004
        async with publisher.arrival() as second:
            assert (first, second, publisher.in_hand, publisher.oldest()) == (1000.5, 1004, 2, 1000.5)
        assert publisher.oldest() == 1000.5
    assert (publisher.in_hand, publisher.oldest()) == (0, None)


async def test_a_refused_sms_no_longer_holds_the_ticks_back() -> None:
    publisher = Publisher(gateway_settings(), StoppedClock())
    with pytest.raises(Refused):
        async with publisher.arrival():
            raise Refused(413, "too large")
    assert publisher.in_hand == 0


@contextmanager
def behind_a_proxy(folder: Path) -> Iterator[tuple[Settings, Proxy]]:
    """A broker that is reached through a proxy alone."""
    port = free_port()
    with a_broker(folder, advertised_port=port) as broker, \
            proxy(int(broker.address.rsplit(":", 1)[1]), port) as line:
        yield gateway_settings(kafka=f"127.0.0.1:{port}"), line


async def test_ticks_are_true_under_slow_concurrent_requests(tmp_path: Path) -> None:
    """Senders pause in the middle of a body, the network to the broker is slow, and time runs on."""
    dice = random.Random(tmp_path.name)
    clock = SharedClock.create(tmp_path / "clock", NOW)
    accepted: list[str] = []

    async def dawdle(body: bytes) -> AsyncIterator[bytes]:
        yield body[:9]
        await asyncio.sleep(dice.uniform(0, 0.1))
        yield body[9:]

    async def sender(http: httpx.AsyncClient, url: str) -> None:
        for _ in range(EACH):
            name = f"{dice.getrandbits(64):x}"
            frame = b"\x20" + dice.randrange(1000).to_bytes(4) + bytes(51)
            body = orjson.dumps({"id": name, "text": to_text(frame)})
            answer = await http.post(f"{url}/v1/sms", content=dawdle(body),
                                     headers=signed(SECRET, clock.now(), body))
            assert answer.status_code == 202
            accepted.append(name)

    async def pass_time() -> None:
        while True:
            clock.set(clock.now() + 0.7)
            await asyncio.sleep(0.01)

    with behind_a_proxy(tmp_path) as (settings, line):
        line.delay_s = 0.05
        with running_gateway(replace(settings, tick_s=1.0), clock) as gateway:
            await asyncio.to_thread(gateway.wait_until_up)
            passing = asyncio.create_task(pass_time())
            async with httpx.AsyncClient(timeout=30) as http:
                await asyncio.gather(*(sender(http, gateway.url) for _ in range(SENDERS)))
            passing.cancel()
            end = format_time(int(clock.now()))
            await asyncio.to_thread(wait_until, lambda: gateway.status()["ticked"] == end)
        line.delay_s = 0
        topic = await read_sms(settings)
    found = [one["id"] for records in topic.values() for one in records if one["type"] == "sms"]
    assert sorted(found) == sorted(accepted)
    for records in topic.values():
        ticks = [parse_time(one["at"], "at") for one in records if one["type"] == "tick"]
        assert ticks == sorted(set(ticks))
        assert ticks[-1] == int(clock.now())
        assert len(ticks) > 10
        latest = 0
        for one in records:
            if one["type"] == "tick":
                assert (one["source"], one["gateway"]) == ("gateway", NAME)
                latest = parse_time(one["at"], "at")
            else:
                assert parse_time(one["received_at"], "received_at") >= latest


async def test_ticks_stay_behind_if_other_instances_have_the_same_name(tmp_path: Path, settings: Settings) -> None:
    clock = SharedClock.create(tmp_path / "clock", NOW)
    with running_gateway(replace(settings, gateway_alone=False), clock) as gateway:
        await asyncio.to_thread(gateway.wait_until_up)
        assert gateway.status()["ticked"] == format_time(NOW - 10)
        clock.set(NOW + 4)
        clock.set(NOW + 5)
        await asyncio.to_thread(wait_until, lambda: gateway.status()["ticked"] == format_time(NOW - 5))
    topic = await read_sms(settings)
    assert [[one["at"] for one in records] for records in topic.values()] == [
        [format_time(NOW - 10), format_time(NOW - 5)]] * settings.partitions


def test_every_move_of_a_virtual_clock_is_followed_by_its_tick(tmp_path: Path, settings: Settings) -> None:
    clock = SharedClock.create(tmp_path / "clock", NOW)
    with running_gateway(settings, clock) as gateway:
        gateway.wait_until_up()
        for minute in range(1, 50):
            clock.set(NOW + 60 * minute)
            wait_until(lambda: gateway.status()["ticked"] == format_time(int(clock.now())))


def test_a_clock_that_is_set_back_dates_no_sms_before_a_tick(gateway: RunningGateway) -> None:
    """The clock of a machine is corrected. The next SMS have the time of the last tick."""
    clock = gateway.clock
    assert isinstance(clock, StoppedClock)
    clock.at -= 100
    assert gateway.post({"text": "W."}).status_code == 202
    topic = asyncio.run(read_sms(gateway.settings))
    assert [one["received_at"] for records in topic.values() for one in records if one["type"] == "sms"] == [
        format_time(NOW)]
