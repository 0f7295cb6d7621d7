"""The broker goes away: each SMS that was answered 202 is in the topic, and each other was refused with 503."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from support.broker import Broker, a_broker
from support.gateway import SECRET, RunningGateway, gateway_settings, read_sms, running_gateway
from support.page import wait_until
from support.proxy import Proxy, proxy

from gateway.adapters.generic import signed
from local.embedded import free_port
from models.wire.frame import to_text
from runtime.settings import Settings


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Proxy]:
    """The network between gateway and broker."""
    port = free_port()
    with a_broker(tmp_path, advertised_port=port) as broker, \
            proxy(int(broker.address.rsplit(":", 1)[1]), port) as one:
        yield one


@pytest.fixture
def settings(line: Proxy) -> Settings:
    return gateway_settings(kafka=f"127.0.0.1:{line.port}")


async def found(settings: Settings) -> set[str]:
    return {one["id"] for records in (await read_sms(settings)).values() for one in records if one["type"] == "sms"}


async def test_no_sms_is_accepted_while_the_broker_does_not_answer(gateway: RunningGateway, settings: Settings,
                                                                   line: Proxy) -> None:
    """The connections stay open and the broker is silent. The gateway answers 503 in time."""
    assert gateway.post({"id": "before", "text": "W."}).status_code == 202
    line.silent = True
    answer = gateway.post({"id": "during", "text": "W."})
    assert (answer.status_code, list(answer.json())) == (503, ["error"])
    assert "retry-after" in answer.headers
    assert gateway.status()["in_hand"] == 0
    line.silent = False
    wait_until(lambda: gateway.post({"id": "again", "text": "W."}).status_code == 202)
    assert {"before", "again"} <= await found(settings)


async def test_accepted_sms_survive_a_cut_connection(gateway: RunningGateway, settings: Settings, line: Proxy) -> None:
    """Senders send each SMS until it is accepted, as providers do."""
    dice = random.Random(line.port)
    statuses: list[int] = []
    accepted: set[str] = set()

    async def sender(http: httpx.AsyncClient, number: int) -> None:
        for count in range(25):
            name = f"{number}.{count}"
            body = orjson.dumps({"id": name, "text": to_text(b"\x20" + dice.randbytes(55))})
            while name not in accepted:
                answer = await http.post(f"{gateway.url}/v1/sms", content=body,
                                         headers=signed(SECRET, gateway.clock.now(), body))
                statuses.append(answer.status_code)
                if answer.status_code == 202:
                    accepted.add(name)
                else:
                    await asyncio.sleep(0.1)

    async def cut() -> None:
        while len(accepted) < 60:
            await asyncio.sleep(0.005)
        line.cut()
        while statuses[-1] != 503:
            await asyncio.sleep(0.005)
        line.refuses = False

    async with httpx.AsyncClient(timeout=30) as http:
        await asyncio.gather(cut(), *(sender(http, number) for number in range(8)))
    assert set(statuses) == {202, 503}
    assert await found(settings) == accepted


def test_accepted_sms_survive_a_killed_broker(tmp_path: Path) -> None:
    """This broker keeps no data. The test checks that no SMS is accepted in vain, and that a new broker is found."""
    broker: Broker = a_broker(tmp_path)
    with broker, running_gateway(gateway_settings(kafka=broker.address)) as gateway:
        gateway.wait_until_up()
        assert gateway.post({"text": "W."}).status_code == 202
        broker.stop()
        assert gateway.post({"text": "W."}).status_code == 503
        wait_until(lambda: gateway.status()["broker"] == "away", patience=40)
        assert httpx.get(f"{gateway.url}/health").status_code == 503
        broker.start()
        wait_until(lambda: gateway.status()["broker"] == "up", patience=40)
        assert gateway.post({"text": "W."}).status_code == 202
        assert gateway.failures == []
