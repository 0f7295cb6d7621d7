"""A git repository with a small past, and an account of moto."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from deploy.tests.cloud import Cloud, Past


@pytest.fixture
def past(tmp_path: Path) -> Past:
    folder = tmp_path / "repository"

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", folder, "-c", "user.name=Kim & Lee", "-c", "user.email=kim@example.org",
                               *arguments], capture_output=True, text=True, check=True).stdout.strip()

    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    commits = []
    for number in range(4):
        git("commit", "--quiet", "--allow-empty", "--message", f"Change {number} <b> & more")
        commits.append(git("rev-parse", "HEAD"))
    return Past(folder, commits)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
                        "AWS_DEFAULT_REGION": "ap-northeast-2"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield Cloud()
