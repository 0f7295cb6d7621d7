"""What one types by hand explains itself, and says what is missing, where nothing that it needs is installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEPS = ("scan", "changes", "deploy", "slack")


def release(*arguments: str) -> subprocess.CompletedProcess[str]:
    """By a Python that has its own library alone."""
    return subprocess.run([sys.executable, "-S", "-m", "deploy.release", *arguments], cwd=ROOT, capture_output=True,
                          text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [(), *((one,) for one in STEPS)])
def test_the_pipelines_steps_explain_themselves(arguments: tuple[str, ...]) -> None:
    done = release(*arguments, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: python -m deploy.release" in done.stdout


@pytest.mark.parametrize("step", STEPS)
def test_the_pipelines_steps_say_what_is_missing(step: str) -> None:
    given = {"scan": [], "changes": ["--stack", "anbu"], "deploy": ["--stack", "anbu", "--template", "x"], "slack": []}
    registry = [] if step == "slack" else ["--repository", "1.dkr.ecr/anbu", "--digest", "sha256:1"]
    done = release(step, *given[step], *registry)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "is not installed in this Python: deploy/tools makes .venv-release" in done.stderr


def test_the_checks_say_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "verify", tmp_path / "deploy")
    asked, bare = (subprocess.run([tmp_path / "deploy" / "verify", *arguments], capture_output=True, text=True,
                                  timeout=60, check=False) for arguments in (["--help"], []))
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "Checks all files that deploy and run Anbu" in asked.stdout
    assert (bare.returncode, bare.stdout, bare.stderr.count("\n")) == (2, "", 1)
    assert "make verify-deploy makes .venv-deploy" in bare.stderr
