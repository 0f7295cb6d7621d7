"""What has changed since the last deployment: the commits between what ran and what is to run, in either direction."""

import subprocess
from pathlib import Path
from typing import Any, Final, NamedTuple

from deploy.release.errors import ReleaseError

_SEPARATOR: Final = "\x1f"
MOST: Final = 20
WITHOUT_A_PAST: Final = 10  # commits shown where nobody knows what ran before


class Commit(NamedTuple):
    sha: str
    author: str
    subject: str


class Changes(NamedTuple):
    """before: the commit that ran, None: unknown. back: the commits are taken away, not added. Newest first; left: how
    many more there are. pushed: those of one push, where nobody has looked what ran. All of it goes through one
    environment variable, and Linux allows 128 KiB for one."""

    before: str | None
    after: str
    back: bool
    commits: list[Commit]
    left: int = 0
    pushed: bool = False

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "commits": [one._asdict() for one in self.commits]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Changes":
        return cls(**{**document, "commits": [Commit(**one) for one in document["commits"]]})


def between(repository: Path, before: str | None, after: str) -> Changes:
    """Raises ReleaseError where `after` is not in the repository."""
    if not _is_there(repository, after):
        raise ReleaseError(f"{after} is not in this checkout: check out with the whole history (fetch-depth: 0)")
    if before is None or not _is_there(repository, before):
        return Changes(None, after, False, _log(repository, after, f"--max-count={WITHOUT_A_PAST}"))
    back = before != after and _is_ancestor(repository, after, before)
    commits = _log(repository, f"{after}..{before}" if back else f"{before}..{after}")
    return Changes(before, after, back, commits[:MOST], len(commits[MOST:]))


def pushed(repository: Path, before: str | None, after: str) -> Changes | None:
    """What one push has brought; None where that cannot be told, as of a branch that is new or was rewritten."""
    if not before or not _is_there(repository, after) or not _is_there(repository, before) \
            or not _is_ancestor(repository, before, after):
        return None
    return between(repository, before, after)._replace(pushed=True)


def _log(repository: Path, *what: str) -> list[Commit]:
    text = _git(repository, "log", "--no-merges", f"--format=%H{_SEPARATOR}%an{_SEPARATOR}%s", *what).stdout
    found = (line.split(_SEPARATOR, 2) for line in text.splitlines())
    return [Commit(sha, author[:60], subject[:120]) for sha, author, subject in found]


def _is_there(repository: Path, commit: str) -> bool:
    return _git(repository, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


def _is_ancestor(repository: Path, one: str, other: str) -> bool:
    return _git(repository, "merge-base", "--is-ancestor", one, other).returncode == 0


def _git(repository: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False)
