"""`anbu health` distinguishes alive from ready, for each process. A process is alive although the broker is away."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.health import check
from cli.main import main
from local.embedded import free_port
from runtime.settings import Settings

HERE = Path(sys.executable).parent


@pytest.fixture
def host() -> str:
    return "127.0.0.1"


@pytest.fixture
def environ(tmp_path: Path, host: str) -> dict[str, str]:
    """Everything is set right, but there is neither broker nor database."""
    keks = tmp_path / "kek.json"
    keks.write_text(json.dumps({"k1": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}))
    mine = {"ANBU_KAFKA": f"127.0.0.1:{free_port()}", "ANBU_KEK_FILE": str(keks), "ANBU_GATEWAY_SECRET": "hush",
            "ANBU_MONGODB": f"mongodb://127.0.0.1:{free_port()}/anbu?serverSelectionTimeoutMS=200",
            "ANBU_GATEWAY_PORT": str(free_port()), "ANBU_WEB_PORT": str(free_port()),
            "ANBU_WORKER_PORT": str(free_port()), "ANBU_AGENTS": "watch", "ANBU_WORKER_TOKEN": "open sesame",
            "ANBU_DATA_DIR": str(tmp_path / "data"), "ANBU_GATEWAY_HOST": host}
    return {name: value for name, value in os.environ.items() if not name.startswith("ANBU_")} | mine


@pytest.fixture(params=["gateway", "web", "worker"])
def process(request: pytest.FixtureRequest, environ: dict[str, str], tmp_path: Path) -> Iterator[str]:
    name: str = request.param
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen([HERE / "anbu", name], env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        yield name
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def ask(environ: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([HERE / "python", "-I", "-m", "cli.health", *arguments], env=environ, capture_output=True,
                          text=True, timeout=30, check=False)


def test_a_process_without_a_broker_is_alive(process: str, environ: dict[str, str], tmp_path: Path) -> None:
    assert ask(environ, process).returncode in (0, 1)
    deadline = time.monotonic() + 40
    while ask(environ, process).returncode:
        assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-1500:]
        time.sleep(0.1)
    done = ask(environ, process, "--ready", "--json")
    (found,) = json.loads(done.stdout)
    assert (done.returncode, found["live"], found["ready"]) == (1, True, False)
    # Whatever each has logged by now is JSON, a line each, and says who speaks.
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines
    assert all(json.loads(line)["process"] in (process, "watch") for line in lines), lines


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
@pytest.mark.parametrize("process", ["gateway"], indirect=True)
@pytest.mark.parametrize("host", ["::"])
def test_a_process_on_every_ipv6_address_is_found(process: str, environ: dict[str, str], tmp_path: Path) -> None:
    deadline = time.monotonic() + 40
    while ask(environ, process).returncode:
        assert time.monotonic() < deadline, ask(environ, process).stdout + (tmp_path / "log").read_text()[-1500:]
        time.sleep(0.1)


@pytest.mark.parametrize(("host", "place"), [
    ("0.0.0.0", "127.0.0.1:1"), ("::", "[::1]:1"), ("127.0.0.2", "127.0.0.2:1"), ("192.0.2.7", "192.0.2.7:1")])
def test_the_health_check_asks_the_address_that_a_process_listens_on(host: str, place: str) -> None:
    """A process that listens on one address does not answer on another."""
    (found,) = check("gateway", Settings.from_env({"ANBU_GATEWAY_HOST": host, "ANBU_GATEWAY_PORT": "1"}))
    assert place in found.detail


def test_a_process_that_does_not_answer_is_reported(environ: dict[str, str]) -> None:
    done = ask(environ, "worker")
    assert (done.returncode, "no process answers" in done.stdout) == (1, True)


def test_a_wrong_setting_is_named() -> None:
    done = CliRunner().invoke(main, ["health", "worker"], env={"ANBU_WORKER_PORT": "four"})
    assert (done.exit_code, "ANBU_WORKER_PORT" in done.stderr) == (2, True)


def test_the_health_check_of_a_worker_asks_every_agent(environ: dict[str, str]) -> None:
    """These are the agents of `anbu worker`: `notify` only if there are routes."""
    without = {name: value for name, value in environ.items() if name != "ANBU_AGENTS"}
    found = check("worker", Settings.from_env({**without, "ANBU_WORKER_PORT": "1"}))
    assert [one.name for one in found] == ["watch", "record"]
    found = check("worker", Settings.from_env({**without, "ANBU_WORKER_PORT": "1", "ANBU_ROUTES": "{}"}))
    assert [one.name for one in found] == ["watch", "record", "notify"]
