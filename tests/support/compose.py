"""docker-compose.yml as plain processes: the same commands, settings, secrets, order, health checks and ends.

What a container engine adds is not here: images, networks, limits, users. A port that is fixed in a container is a free
one of this machine, since there is no network of its own; a name such as `kafka` is the loopback address.
"""

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from local.embedded import ChildService, free_port
from local.kafka import jars

AGENTS = 4
ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def free_ports_in_a_row(count: int) -> int:
    """The first of so many: a worker's agents are one port up each.

    Below those that the kernel gives to whoever connects somewhere: one of them may be taken before it is listened at.
    """
    while True:
        first = random.randrange(20_000, 32_000)
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("0.0.0.0", port))
            except OSError:
                continue
            return first


def install(folder: Path) -> Path:
    """Install Anbu as the image does: the files that .dockerignore lets in, the RUN steps of the stage `build`, as they
    stand there. Returns the folder of its programs.

    So nothing is found that only a checkout or a developer's environment has.
    """
    context, target = folder / "build", folder / "anbu"
    context.mkdir(parents=True)
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            if source.is_dir():
                shutil.copytree(source, context / line[1:], ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, context)
    stage = DOCKERFILE.split("\nFROM base AS build\n")[1].split("\nFROM ")[0]
    steps = re.findall(r"^RUN ((?:.*\\\n)*.*)$", stage, re.MULTILINE)
    assert len(steps) == 2
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PATH"] = f"{Path(sys.executable).resolve().parent}:{environ['PATH']}"
    for step in steps:
        subprocess.run(["bash", "-euc", step.replace("/opt/anbu", str(target))], cwd=context, env=environ, check=True)
    return target / "bin"


def interpolated(text: str, environ: Mapping[str, str]) -> str:
    """${NAME:-default}, as Compose does."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda match: environ.get(match[1]) or match[2], text)


def seconds(text: str) -> float:
    value, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()  # type: ignore[union-attr]  # else the test fails
    return float(value) * {"s": 1, "m": 60}[unit]


def start_order(names: set[str]) -> list[str]:
    """These services, each after what it waits for; every dependency waits for health."""
    graph = {name: COMPOSE["services"][name].get("depends_on", {}) for name in names}
    for dependencies in graph.values():
        assert all(one == {"condition": "service_healthy"} for one in dependencies.values())
        assert all("healthcheck" in COMPOSE["services"][one] for one in dependencies)
    return [name for name in TopologicalSorter(graph).static_order() if name in names]


class Composed:
    """The processes that run. programs: where `anbu` is; secrets: the folder of deploy/make_secrets.py, with routes;
    database: the URL of one that is there. dotenv: what stands in the file `.env`."""

    def __init__(self, folder: Path, programs: Path, secrets: Path, database: str) -> None:
        self.folder, self._programs, self._secrets, self._database = folder, programs, secrets, database
        self.dotenv = {"ANBU_ROUTES_FILE": "/run/routes/routes.json", "ANBU_PUBLIC_URL": "https://anbu.example.org"}
        self.ports = {name: free_port() for name in ("kafka", "gateway", "web")}
        self.ports["worker"] = free_ports_in_a_row(AGENTS)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._kafka: ChildService | None = None

    def environ(self, service: str) -> dict[str, str]:
        """The environment of a service."""
        given = {name: interpolated(str(value), self.dotenv) for name, value in
                 COMPOSE["services"][service]["environment"].items()}
        for name, value in given.items():
            if value.startswith("/run/routes/"):
                given[name] = value.replace("/run/routes", str(self._secrets / "routes"))
            if value.startswith("/run/secrets/"):
                secret = value.removeprefix("/run/secrets/")
                assert secret in COMPOSE["services"][service]["secrets"], f"{service} has not the secret {secret}"
                given[name] = str(self._secrets / Path(COMPOSE["secrets"][secret]["file"]).name)
        assert given["ANBU_KAFKA"] == "kafka:9092"
        assert given["ANBU_MONGODB"] == "mongodb://mongo:27017/anbu?replicaSet=rs0"
        ports = {f"ANBU_{name.upper()}_PORT": str(self.ports[name]) for name in ("gateway", "web", "worker")}
        return {"PATH": f"{self._programs}:{os.environ['PATH']}", **given,
                "ANBU_KAFKA": f"127.0.0.1:{self.ports['kafka']}", "ANBU_MONGODB": self._database,
                "ANBU_DATA_DIR": str(self.folder / f"{service}-data"), **ports}

    def start(self, service: str) -> None:
        if service == "mongo":
            return  # the embedded database, which is there
        if service == "kafka":
            self._kafka = self._broker()
            self._kafka.start()
            return
        command = [self._programs / "anbu", *COMPOSE["services"][service]["command"]]
        with (self.folder / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                command, env=self.environ(service), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True, cwd=self.folder)

    def _broker(self) -> ChildService:
        """Apache Kafka with the properties that the image makes of its environment: KAFKA_LOG_DIRS is log.dirs."""
        environ = COMPOSE["services"]["kafka"]["environment"]
        home, controller = self.folder / "kafka", free_port()
        data = home / "data"
        data.mkdir(parents=True, exist_ok=True)
        places = {"kafka:9092": f"127.0.0.1:{self.ports['kafka']}", "kafka:9093": f"127.0.0.1:{controller}",
                  "//:9092": f"//127.0.0.1:{self.ports['kafka']}", "//:9093": f"//127.0.0.1:{controller}",
                  "/var/lib/kafka/data": str(data)}
        lines = []
        for name, value in environ.items():
            if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS":
                here = value
                for old, new in places.items():
                    here = here.replace(old, new)
                lines.append(f"{name.removeprefix('KAFKA_').lower().replace('_', '.')}={here}\n")
        (home / "server.properties").write_text("".join(lines))
        # As the image's own start does, which also looks whether the cluster's id is one.
        subprocess.run(["java", "-cp", f"{jars()}/*", "kafka.tools.StorageTool", "format", "--cluster-id",
                        environ["CLUSTER_ID"], "--config", str(home / "server.properties")], check=True,
                       capture_output=True, text=True)
        return ChildService(["java", *environ["KAFKA_HEAP_OPTS"].split(), "-XX:TieredStopAtLevel=1", "-cp",
                             f"{jars()}/*", "kafka.Kafka", str(home / "server.properties")], self.ports["kafka"],
                            home / "server.log")

    def health(self, service: str) -> int:
        """The exit status of the service's own health check; 1 where it takes too long, as in Compose."""
        test = COMPOSE["services"][service]["healthcheck"]["test"]
        assert test[0] == "CMD", "a shell is not needed for it"
        if service == "kafka":
            assert test[1:] == ["/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", "localhost:9092"]
            command = ["java", "-cp", f"{jars()}/*", "org.apache.kafka.tools.BrokerApiVersionsCommand",
                       "--bootstrap-server", f"127.0.0.1:{self.ports['kafka']}"]
            environ = dict(os.environ)
        else:
            command, environ = [str(self._programs / test[1]), *test[2:]], self.environ(service)
        limit = seconds(COMPOSE["services"][service]["healthcheck"]["timeout"])
        try:
            return subprocess.run(command, env=environ, capture_output=True, check=False, cwd=self.folder,
                                  timeout=limit).returncode
        except subprocess.TimeoutExpired:
            return 1

    def wait_healthy(self, service: str) -> None:
        """As Compose waits. Raises AssertionError where the service is not healthy in the time that it has."""
        check = COMPOSE["services"][service]["healthcheck"]
        limit = seconds(check["start_period"]) + check["retries"] * seconds(check["interval"])
        deadline = time.monotonic() + limit
        while self.health(service):
            process = self.processes.get(service)
            assert process is None or process.poll() is None, self.log(service)
            assert time.monotonic() < deadline, f"{service} is not healthy after {limit:g} s\n{self.log(service)}"
            time.sleep(0.2)

    def run(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """`docker compose run --rm anbu …`, with more variables than it has."""
        return subprocess.run([self._programs / "anbu", *arguments], env=self.environ("anbu") | more, text=True,
                              capture_output=True, timeout=60, check=False, cwd=self.folder)

    def secret(self, name: str) -> str:
        return (self._secrets / name).read_text()

    def stop(self, service: str) -> int:
        """SIGTERM, and the time that Compose gives. Returns the exit status; after that time SIGKILL, -9."""
        process = self.processes.pop(service)
        process.terminate()
        try:
            return process.wait(seconds(COMPOSE["services"][service]["stop_grace_period"]))
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def log(self, service: str) -> str:
        path = self.folder / f"{service}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def close(self) -> None:
        for service in list(self.processes):
            self.stop(service)
        if self._kafka is not None:
            self._kafka.stop()
