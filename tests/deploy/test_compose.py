"""docker-compose.yml on a real Kafka, as plain processes of what the image installs: it starts in its order, becomes
healthy by its own checks, does its work from an SMS to the page, shows its figures, ends in time, and goes on where it
was.

`make verify-deploy` runs it, where `make kafka` has fetched Apache Kafka.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from support.compose import ROOT, Composed, install, start_order
from support.database import database_server, database_url
from support.endpoint import Endpoint

from deploy.make_secrets import ROUTES, make

__all__ = ["database_server", "database_url"]
SERVICES = {"kafka", "mongo", "gateway", "worker", "web"}
# What docs/operate.md and the runbooks have one type on a system that is well.
HANDBOOK = ("doctor", "rekey 7 0", "quarantine list", "alerts", "notify check", "notify test team",
            "notify list --failed", "notify list --waiting", "backup 2026-11-26 --keys keys.json")
PEOPLE = "subject,site,gateway,tz,since,name\n7,jongno,centre-1,Asia/Seoul,2026-11-01T00:00:00Z,김영희\n"


@pytest.fixture
def slack() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


@pytest.fixture
def composed(tmp_path: Path, database_url: str, slack: Endpoint) -> Iterator[Composed]:
    secrets = tmp_path / "secrets"
    make(secrets)
    (secrets / ROUTES / "slack").write_text(f"{slack.url}/hook")
    (secrets / ROUTES / "routes.json").write_text(json.dumps({
        "channels": {"team": {"type": "slack", "url_file": str(secrets / ROUTES / "slack")},
                     "devices": {"type": "http", "url": f"{slack.url}/sms", "json": {"to": "{to}", "text": "{text}"}}},
        "asks": {"*": "devices"},
        "sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]}}))
    one = Composed(tmp_path, install(tmp_path / "image"), secrets, database_url)
    try:
        yield one
    finally:
        one.close()


def wait_for_alert(composed: Composed) -> dict[str, object]:
    """What the page's interface tells of the one alert."""
    deadline = time.monotonic() + 90
    headers = {"authorization": f"Bearer {composed.secret('web-token')}"}
    while time.monotonic() < deadline:
        answer = httpx.get(f"http://127.0.0.1:{composed.ports['web']}/api/v1/alerts", headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        if found := [one for one in answer.json() if one["kind"] == "sos"]:
            alert: dict[str, object] = found[0]
            return alert
        time.sleep(0.2)
    raise TimeoutError(composed.log("worker"))


def wait_for_message(slack: Endpoint) -> None:
    deadline = time.monotonic() + 90
    while not any("SOS" in request.json["text"] for request in slack.requests):
        assert time.monotonic() < deadline, "nobody was told"
        time.sleep(0.2)


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_the_system_starts_and_starts_again_by_compose(composed: Composed, slack: Endpoint) -> None:
    order = start_order(SERVICES)
    assert order.index("kafka") < min(order.index(name) for name in ("gateway", "worker", "web"))
    for service in order:
        composed.start(service)
        if service != "mongo":
            composed.wait_healthy(service)

    (composed.folder / "people.csv").write_text(PEOPLE)
    done = composed.run("provision", "people.csv")
    assert done.returncode == 0, done.stderr
    # `anbu send` is a device: it reaches the gateway from outside, and signs as the provider does.
    done = composed.run("send", "7", "--sos")
    assert "ANBU_GATEWAY_SECRET" in done.stderr, "the container for commands has not the provider's secret"
    for command in HANDBOOK:
        done = composed.run(*command.split())
        assert done.returncode == 0, f"anbu {command}: {done.stdout}{done.stderr}"
    assert [request.json["text"].split("]")[0] for request in slack.requests] == ["[안부 test"]
    done = composed.run("send", "7", "--sos", ANBU_GATEWAY_SECRET=composed.secret("gateway-secret"))
    assert done.returncode == 0, done.stderr
    assert wait_for_alert(composed)["subject"] == 7
    wait_for_message(slack)

    figures(composed)
    for service in ("web", "worker", "gateway"):
        assert composed.stop(service) in (0, -15), composed.log(service)  # uvicorn passes the signal on
    for service in ("gateway", "worker", "web"):
        composed.start(service)
        composed.wait_healthy(service)
    assert wait_for_alert(composed)["subject"] == 7
    lines = [json.loads(line) for line in composed.log("worker").splitlines()[1:]]
    assert {line["level"] for line in lines} <= {"info", "warning"}, composed.log("worker")


def figures(composed: Composed) -> None:
    """Prometheus, as deploy/ sets it up, finds what it asks for at every process, and by the token alone."""
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    expected = {"gateway": "anbu_ticked_at", "web": "anbu_page_watched", "worker": "anbu_lag"}
    for job in jobs:
        assert job["authorization"]["credentials_file"] == "/run/secrets/worker-token"
        for target in (one for group in job["static_configs"] for one in group["targets"]):
            service, port = target.split(":")
            first = {"gateway": 8800, "web": 8080, "worker": 6066}[service]
            address = f"http://127.0.0.1:{composed.ports[service] + int(port) - first}/metrics"
            assert httpx.get(address, timeout=10).status_code == 401
            token = {"authorization": f"Bearer {composed.secret('worker-token')}"}
            answer = httpx.get(address, headers=token, timeout=10)
            assert answer.status_code == 200, target
            assert re.search(rf"^{expected[service]}\b", answer.text, re.MULTILINE), target
