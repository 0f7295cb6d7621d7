"""The parts of a whole system on one machine: child processes that log into a folder and end on a signal."""

import signal
import subprocess
from pathlib import Path


class PartFailed(RuntimeError):
    """A part of the system has exited; the text has the end of its log."""


class Part:
    """One child process. name: for messages and for its log."""

    def __init__(self, name: str, command: list[str], environ: dict[str, str], folder: Path) -> None:
        self.name = name
        self._command, self._environ = command, environ
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            # A session of its own: we pass Ctrl-C on to the parts, in the right order.
            self._process = subprocess.Popen(self._command, env=self._environ, stdout=log, stderr=log,
                                             stdin=subprocess.DEVNULL, start_new_session=True)

    def check(self) -> None:
        """Raises PartFailed if the process has exited."""
        if self._process is not None and self._process.poll() is not None:
            words = self._log.read_text(errors="replace").strip()[-800:]
            raise PartFailed(f"{self.name} exited with status {self._process.returncode}:\n{words}")

    def stop(self, patience_s: float = 20.0) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
