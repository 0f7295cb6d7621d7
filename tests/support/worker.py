"""A real worker process on a broker of its own, for tests: started, fed, killed, started again, and always ended."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from local.embedded import free_port
from runtime.settings import Settings
from support.broker import GUARANTEE, a_broker

PATIENCE_S = 60.0


class WorkerProcess:
    """`faust -A streams.app worker`, with a broker of its own unless ANBU_KAFKA names one. `health` asks its operator
    views. app: another module that makes the app, for workers with faults planted."""

    def __init__(self, folder: Path, app: str = "streams.app", **variables: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._app = folder, app
        self._broker = None if "ANBU_KAFKA" in variables else a_broker(folder)
        self.port = int(variables.get("ANBU_WORKER_PORT", free_port()))
        address = "" if self._broker is None else self._broker.address
        given = {"ANBU_KAFKA": address, "ANBU_GUARANTEE": GUARANTEE, "ANBU_WORKER_PORT": str(self.port),
                 "ANBU_CLOCK_TICK_S": "0", "ANBU_DATA_DIR": str(folder / "data"), **variables}
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("ANBU_")} | given
        self.settings = Settings.from_env(self.environ)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "WorkerProcess":
        if self._broker is not None:
            self._broker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.kill()
        if self._broker is not None:
            self._broker.stop()

    @property
    def log(self) -> Path:
        return self._folder / "worker.log"

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("faust")), "--datadir", str(self._folder / "faust"), "-A",
                   self._app, "worker", "--loglevel", "info"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log,
                                             stdin=subprocess.DEVNULL, start_new_session=True)

    def kill(self) -> None:
        """Send SIGKILL: the worker cannot leave its group."""
        self._end(signal.SIGKILL)

    @property
    def stands_still(self) -> bool:
        """Whether the worker was stopped by SIGSTOP, from outside or by itself."""
        if self._process is None:
            return False
        return Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, without waiting."""
        if self._process is not None and self.runs:
            self._process.send_signal(number)

    def left(self) -> int | None:
        """The exit status of a worker that has left by itself, once; then it may be started again."""
        if self._process is None or self._process.poll() is None:
            return None
        process, self._process = self._process, None
        return process.returncode

    async def wait_left(self) -> int:
        """Wait until the worker has left by itself. Returns its exit status."""
        async with asyncio.timeout(PATIENCE_S):
            while (status := self.left()) is None:
                await asyncio.sleep(0.02)
        return status

    def terminate(self) -> int | None:
        """Send SIGTERM and wait. Returns the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(number)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    async def health(self, http: httpx.AsyncClient) -> dict[str, Any] | None:
        """The answer of /health/, or None if there is none."""
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the worker has left with {self._process.returncode}:\n{self.log.read_text()[-1500:]}")
        try:
            found: dict[str, Any] = (await http.get(f"http://127.0.0.1:{self.port}/health/")).json()
        except (httpx.TransportError, ValueError):
            return None
        return found

    async def wait_idle(self, http: httpx.AsyncClient) -> None:
        """Wait until the worker has its lanes and no record waits to be folded."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            health = await self.health(http)
            if (health is not None and health["ready"] and len(health["lanes"]) == self.settings.partitions
                    and not any(lag for lane in health["lanes"].values() for lag in lane["lag"].values())):
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(f"the worker is not idle after {PATIENCE_S} s:\n{self.log.read_text()[-1500:]}")
