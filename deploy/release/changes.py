"""The changes of a deployment are the commits between the version that ran and the new version, in either direction."""

import subprocess
from pathlib import Path
from typing import Any, Final, NamedTuple

from deploy.release.errors import ReleaseError

_SEPARATOR: Final = "\x1f"
MOST: Final = 20
WITHOUT_A_PAST: Final = 10  # commits shown if it is not known what ran before


class Commit(NamedTuple):
    sha: str
    author: str
    subject: str


class Changes(NamedTuple):
    """The changes of a deployment. All of them go through one environment variable, and Linux allows 128 KiB for one.

    before: the commit that ran; None: unknown.
    after: the commit to deploy.
    back: whether the commits are taken away, not added.
    commits: the newest first.
    left: how many more commits there are.
    pushed: whether the commits are those of one push, since no step has found out what ran.
    """

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
    """The changes between two commits. Raises ReleaseError if `after` is not in the repository."""
    if not _is_there(repository, after):
        raise ReleaseError(f"{after} is not in this checkout: check out with the whole history (fetch-depth: 0)")
    if before is None or not _is_there(repository, before):
        return Changes(None, after, False, _log(repository, after, f"--max-count={WITHOUT_A_PAST}"))
    back = before != after and _is_ancestor(repository, after, before)
    commits = _log(repository, f"{after}..{before}" if back else f"{before}..{after}")
    return Changes(before, after, back, commits[:MOST], len(commits[MOST:]))


def pushed(repository: Path, before: str | None, after: str) -> Changes | None:
    """The commits of one push; None if they are not known, as for a branch that is new or was rewritten."""
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
