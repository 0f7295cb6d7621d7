"""`anbu worker` starts an agent again that has left; wrong settings end it at the first start, and not later.

Told to end, it ends all that it has started, in time for whoever has told it.
"""

import sys
import time
from pathlib import Path

import pytest

from cli import worker
from cli.worker import TAKEN, USAGE, Supervised, end

FAULT = 70
STUBBORN = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
signal.pause()
"""


def agent(folder: Path, *statuses: int) -> Supervised:
    """An agent whose process leaves with these, one start after the other."""
    for number, status in enumerate(statuses):
        (folder / str(number)).write_text(str(status))
    leave = ("import pathlib, sys; first = min(pathlib.Path(sys.argv[1]).iterdir()); status = int(first.read_text()); "
             "first.unlink(); sys.exit(status)")
    one = Supervised("notify", 6068, folder.parent / "data")
    one._command = [sys.executable, "-I", "-S", "-c", leave, str(folder)]
    return one


def tend(one: Supervised, folder: Path) -> None:
    """Until it has left as often as it should."""
    deadline = time.monotonic() + 60
    while any(folder.iterdir()) or one.process is not None:
        assert time.monotonic() < deadline
        one.tend()
        time.sleep(0.01)


@pytest.mark.parametrize("status", [USAGE, TAKEN])
def test_wrong_settings_end_the_worker_at_the_first_start(status: int, tmp_path: Path) -> None:
    folder = tmp_path / "statuses"
    folder.mkdir()
    with pytest.raises(SystemExit) as left:
        tend(agent(folder, status), folder)
    assert left.value.code == status


def test_settings_that_become_wrong_later_do_not_end_the_worker(tmp_path: Path,
                                                                caplog: pytest.LogCaptureFixture) -> None:
    """The routes file is wrong while `notify` restarts. The other agents go on, and people are judged."""
    folder = tmp_path / "statuses"
    folder.mkdir()
    tend(agent(folder, FAULT, USAGE, TAKEN), folder)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR", "ERROR"]


@pytest.mark.timeout(60)
def test_agents_that_do_not_leave_are_killed_after_a_common_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                  caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(worker, "LEFT_S", 1.0)
    children = [Supervised(agent, 0, tmp_path) for agent in ("watch", "record", "notify")]
    try:
        for child in children:
            child._command = [sys.executable, "-c", STUBBORN, str(tmp_path / f"{child.agent} is deaf")]
            child.start()
        while not all((tmp_path / f"{child.agent} is deaf").exists() for child in children):
            time.sleep(0.02)
        end(children)
        assert [child.process and child.process.returncode for child in children] == [-9] * 3
        assert "notify has not exited: killing it" in caplog.text
    finally:
        for child in children:
            if child.process is not None:
                child.process.kill()
