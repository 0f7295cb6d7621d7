"""`anbu worker`: runs one `faust -A streams.app worker` for each agent, and restarts it after an exit."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from cli.options import process_settings
from runtime import logs
from runtime.settings import Settings, SettingsError

log = logging.getLogger(__name__)

WAITS = (0.2, 1.0, 2.0, 5.0)
LIVED_S = 60.0  # a worker of this age restarts after the shortest wait
LEFT_S = 40.0  # a worker ends within 25 of its signal; our own supervisor usually grants us 60
USAGE = 2
TAKEN = 3  # another process has its port


class Supervised:
    """One agent's process, and the number of its exits in a row. Raises SettingsError if it can keep no files."""

    def __init__(self, agent: str, port: int, data_dir: Path) -> None:
        self.agent = agent
        program = str(Path(sys.executable).with_name("faust"))
        folder = data_dir / agent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"ANBU_DATA_DIR: {folder} cannot be made: {error.strerror}") from None
        self._pid_file = folder / "pid"
        # runtime/logs.py sets the log; these two options keep Faust from drawing between the lines.
        self._command = [program, "--quiet", "--datadir", str(folder), "-A", "streams.app", "worker",
                         "--loglevel", "info"]
        self._environ = {**os.environ, "ANBU_AGENTS": agent, "ANBU_WORKER_PORT": str(port)}
        self._left = 0
        self._started = 0.0
        self._again = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._started = time.monotonic()
        # A session of its own: Ctrl-C reaches it through us, once.
        self.process = subprocess.Popen(self._command, env=self._environ, start_new_session=True)
        self._pid_file.write_text(str(self.process.pid))

    def tend(self) -> None:
        """Restart the process after an exit, with a growing wait.

        Raises SystemExit if the first start fails because of wrong settings or a port in use. A later fault (in the
        routes file, for example) ends no agent that judges.
        """
        if self.process is None:
            if time.monotonic() >= self._again:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        if status in (USAGE, TAKEN) and self._left == 0:
            raise SystemExit(status)
        self._left = 1 if time.monotonic() - self._started > LIVED_S else self._left + 1
        wait = WAITS[min(self._left, len(WAITS)) - 1]
        log.log(logging.ERROR if status in (USAGE, TAKEN) else logging.WARNING,
                "%s exited with status %d; restarting it in %g s", self.agent, status, wait)
        self.process, self._again = None, time.monotonic() + wait

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, until: float) -> None:
        """until: on the clock of `time.monotonic`; a process that still runs then is killed."""
        if self.process is not None:
            try:
                self.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("%s has not exited: killing it", self.agent)
                self.process.kill()
                self.process.wait()


def end(children: Sequence[Supervised]) -> None:
    """Signal all processes to exit, and wait for them: LEFT_S for all together."""
    for child in children:
        child.stop()
    until = time.monotonic() + LEFT_S
    for child in children:
        child.wait(until)


def supervise(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT. Then the agents finish their batches."""
    ending: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _frame: ending.append(signum))
    if "notify" not in settings.supervised and settings.agents is None:
        log.warning("ANBU_ROUTES_FILE is not set: alerts appear on the page only, and no message is sent")
    children = [Supervised(agent, settings.worker_port + i, settings.data_path())
                for i, agent in enumerate(settings.supervised)]
    try:
        while not ending:
            for child in children:
                child.tend()
            time.sleep(0.1)
    finally:
        end(children)


@click.command()
def worker() -> None:
    """Run the agents of ANBU_AGENTS, a process each.

    Default: watch and record, notify if ANBU_ROUTES_FILE is set, ask if that file names a channel for questions.

    An agent that exits is restarted: its work in progress is durable. At the first start of an agent, wrong settings
    end all agents with status 2, and a port in use ends them with status 3. At a later start the other agents continue.
    The first agent serves its operator views at ANBU_WORKER_PORT, each further agent one port up.
    """
    with process_settings() as settings:
        logs.configure(settings, "worker")
        supervise(settings)
