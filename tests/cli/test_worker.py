"""`anbu worker` starts an agent again that has left; wrong settings end it at the first start, and not later."""

import sys
import time
from pathlib import Path

import pytest

from cli.worker import USAGE, Supervised

FAULT = 70


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


def test_wrong_settings_end_it_at_the_first_start(tmp_path: Path) -> None:
    folder = tmp_path / "statuses"
    folder.mkdir()
    with pytest.raises(SystemExit) as left:
        tend(agent(folder, USAGE), folder)
    assert left.value.code == USAGE


def test_what_is_spoilt_later_does_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody edits the routes file just as `notify` is started again: people are judged all the same."""
    folder = tmp_path / "statuses"
    folder.mkdir()
    tend(agent(folder, FAULT, USAGE), folder)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
