"""The end of the channel `asks` in the demo: the agent's channel finds it, and it carries each question at its time."""

import httpx
import orjson

from cli.demo.provider import CHANNEL, DeviceProvider, routes_file
from local.embedded import free_port
from notifiers.ports import Text
from notifiers.routes_file import load
from simulator.happenings import AirQuestion

NOW = 1_795_478_400.7


async def test_a_question_is_carried() -> None:
    carried: list[AirQuestion] = []
    provider, port = DeviceProvider(carried.append, lambda: NOW), free_port()
    loaded = load(orjson.dumps(routes_file(port)).decode(), None)
    channel = loaded.ask_channels[loaded.asks["*"]].channel
    async with provider.serving(port):
        await channel.send_text(Text("1001/2026-11-24:morning/2", "+821200000001", "W.text", 900))
    await channel.close()
    at = int(NOW)
    assert carried == [AirQuestion(1001, "2026-11-24:morning/2", "+821200000001", "W.text", at, at + 900)]
    assert provider.taken == {"1001/2026-11-24:morning/2"}


async def test_the_port_is_free_afterwards() -> None:
    port = free_port()
    for _ in range(2):
        async with DeviceProvider(lambda _: None, lambda: NOW).serving(port), httpx.AsyncClient() as http:
            assert (await http.get(f"http://127.0.0.1:{port}/")).status_code == 404


def test_the_routes_name_the_channel_of_the_questions() -> None:
    loaded = load(orjson.dumps(routes_file(1)).decode(), None)
    assert loaded.asks == {"*": CHANNEL}
    assert list(loaded.ask_channels) == [CHANNEL]
