"""A process that a benchmark measures always ends: the benchmark starts it, waits for it, and kills it at the end."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Final

from bench.figures import WrongResultError
from bench.stage import Stage
from local.embedded import free_port

PATIENCE_S: Final = 120.0


class Child:
    """`python -m bench.children.NAME ARGUMENTS…` with the settings of an app; its last line of output is its answer."""

    def __init__(self, one: Stage, program: str, app_id: str, *arguments: str) -> None:
        self.port = free_port()
        self.app_id = app_id
        self._log, self._out = one.folder / f"{app_id}.log", one.folder / f"{app_id}.out"
        environ = {**one.environ, "ANBU_APP_ID": app_id, "ANBU_WORKER_PORT": str(self.port),
                   "F_DATADIR": str(one.folder / app_id)}  # Faust makes the folder with the app: an option is too late
        self._began = time.monotonic()
        with self._log.open("ab") as log, self._out.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-m", f"bench.children.{program}", *arguments],
                                            env=environ, stdout=out, stderr=log, stdin=subprocess.DEVNULL,
                                            start_new_session=True)

    async def answer(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The result that the process printed. Raises WrongResultError if the process fails or takes too long."""
        while self.process.poll() is None:
            if time.monotonic() - self._began > patience_s:
                raise WrongResultError(f"{self.app_id} did not come to an end in {patience_s:.0f} s: {self.words()}")
            await asyncio.sleep(0.05)
        lines = self._out.read_text().splitlines()
        if self.process.returncode or not lines:
            raise WrongResultError(f"{self.app_id} left with status {self.process.returncode}: {self.words()}")
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    async def says(self, word: str, patience_s: float = PATIENCE_S) -> None:
        """Wait until the process has printed a line. Raises WrongResultError if it ends or takes too long."""
        while word not in self._out.read_text().splitlines():
            if self.process.poll() is not None or time.monotonic() - self._began > patience_s:
                raise WrongResultError(f"{self.app_id} never said {word}: {self.words()}")
            await asyncio.sleep(0.02)

    def words(self) -> str:
        return self._log.read_text(errors="replace")[-1500:].strip()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.kill()
