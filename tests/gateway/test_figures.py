"""What Prometheus learns of a gateway: answers by status, ticks, the broker."""

from dataclasses import replace

import httpx
from support.gateway import RunningGateway, running_gateway

from runtime.settings import Settings


def read(url: str, token: str | None = None) -> dict[str, float]:
    answer = httpx.get(f"{url}/metrics", headers={"authorization": f"Bearer {token}"} if token else {}, timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    pairs = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_the_metrics_count_answers_and_ticks(gateway: RunningGateway) -> None:
    before = read(gateway.url)
    assert gateway.post({"text": "hello"}).status_code == 202
    assert gateway.post({"text": 7}).status_code == 422
    after = read(gateway.url)
    grown = {status: after[name] - before.get(name, 0) for status in ("202", "422")
             for name in (f'anbu_sms_seconds_count{{status="{status}"}}',)}
    assert grown == {"202": 1, "422": 1}
    assert (after["anbu_broker_up"], after["anbu_sms_in_hand"]) == (1, 0)
    assert after["anbu_ticked_at"] == int(gateway.clock.now())
    assert after["process_start_time_seconds"] > 0


def test_metrics_off_loopback_need_the_token(settings: Settings) -> None:
    with running_gateway(replace(settings, gateway_host="0.0.0.0", worker_token="open sesame")) as one:
        assert httpx.get(f"{one.url}/metrics", timeout=30).status_code == 401
        assert "anbu_broker_up" in read(one.url, "open sesame")
