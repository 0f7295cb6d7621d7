"""The whole system as child processes in a temporary folder: broker, database, gateway, worker, page."""

import os
import secrets
import sys
from pathlib import Path

import httpx
import orjson

from cli.demo.provider import routes_file
from cli.processes import Part
from local.embedded import ChildService, embedded_broker, free_port
from local.kafka import LocalKafka
from runtime.clock import SharedClock
from runtime.settings import Settings
from simulator.fleet import GATEWAY, Fleet
from stores.embedded import embedded_database_command

VIRTUAL_TICK_S = 60
RUNNING = ("watch", "record", "ask")


class System:
    """Starts and stops all parts.

    folder: of all files. fleet: the made-up homes.
    variables: the ANBU_ settings, also for a second terminal. environ: these, and the inherited environment.
    provider_port: of the service that takes the questions to devices; the routes file names it.

    kafka: a real broker in place of the embedded one; then workers are fenced.
    """

    def __init__(self, folder: Path, fleet: Fleet, kafka: LocalKafka | None = None) -> None:
        self.folder = folder
        self.clock = SharedClock.create(folder / "clock", fleet.begin)
        keks = folder / "kek.json"
        keks.write_bytes(orjson.dumps(fleet.keks()))
        keks.chmod(0o600)
        secret = folder / "gateway-secret"
        secret.write_text(secrets.token_urlsafe(24))
        secret.chmod(0o600)
        self.provider_port = free_port()
        routes = folder / "routes.json"
        routes.write_bytes(orjson.dumps(routes_file(self.provider_port)))
        self._broker = kafka or embedded_broker(folder)
        database_port = free_port()
        self._database = ChildService(embedded_database_command(folder / "database", database_port), database_port,
                                      folder / "database.log")
        worker_port = free_port()
        self.variables = {
            "ANBU_KAFKA": self._broker.address,
            "ANBU_MONGODB": f"mongodb://{self._database.address}/anbu",
            "ANBU_GUARANTEE": "none" if kafka is None else "fence",
            "ANBU_KEK_FILE": str(keks),
            "ANBU_CLOCK_FILE": str(folder / "clock"),
            "ANBU_DATA_DIR": str(folder / "data"),
            "ANBU_TICK_S": str(VIRTUAL_TICK_S),
            "ANBU_CLOCK_TICK_S": str(VIRTUAL_TICK_S),
            "ANBU_GATEWAY_NAME": GATEWAY,
            "ANBU_GATEWAY_ALONE": "true",
            "ANBU_GATEWAY_SECRET_FILE": str(secret),
            "ANBU_GATEWAY_PORT": str(free_port()),
            "ANBU_WEB_PORT": os.environ.get("ANBU_WEB_PORT") or str(free_port()),
            "ANBU_WORKER_PORT": str(worker_port),
            "ANBU_AGENTS": ",".join(RUNNING),
            "ANBU_ROUTES_FILE": str(routes),
            "ANBU_LOG_FORMAT": "text",  # a person reads it after a part has exited
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANBU_")}
        self.environ = {**inherited, **self.variables}
        self.settings = Settings.from_env(self.environ)
        anbu = str(Path(sys.executable).with_name("anbu"))
        self._parts = [Part(name, [anbu, name], self.environ, folder) for name in ("gateway", "worker", "web")]

    def start_services(self) -> None:
        """Broker and database. Raises EmbeddedError."""
        self._broker.start()
        self._database.start()

    def start_parts(self) -> None:
        for part in self._parts:
            part.start()

    def check(self) -> None:
        """Raises PartFailed or EmbeddedError if a part has exited."""
        if isinstance(self._broker, ChildService):
            self._broker.check()
        self._database.check()
        for part in self._parts:
            part.check()

    def stop(self) -> None:
        """Stop all parts, the writers first; also after a failure."""
        for part in self._parts:
            part.stop()
        self._database.stop()
        self._broker.stop()

    def env_file(self) -> Path:
        """A file of settings for a second terminal."""
        path = self.folder / "demo.env"
        path.write_text("".join(f"export {name}={value}\n" for name, value in self.variables.items()))
        return path

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.gateway_port}"

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.web_port}/"

    def worker_url(self, agent: str) -> str:
        """agent: one of RUNNING."""
        return f"http://127.0.0.1:{self.settings.worker_port + RUNNING.index(agent)}"


async def ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == 200
    except httpx.HTTPError:
        return False
