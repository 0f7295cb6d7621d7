"""Checks the subjects of new commits: at most 72 characters, then an empty line, then the reason.

    python3 deploy/commits.py          part of `make lint`; status 1 if a subject is wrong

New commits are the commits since the last release tag (`v…`). Without a tag they are the commits of the branch that
main does not have; on main itself they are the commits since `SINCE`. Merge commits and reverts made by git are not
checked. A source archive has no commits: the program says so and passes.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
LONGEST: Final = 72
# The rule begins after this commit: older subjects may be longer, and published commits are not rewritten.
SINCE: Final = "8bfd5ba0399f51a2840ac09dc1b1ac5c2cd68ea1"
MAIN: Final = ("refs/remotes/origin/main", "refs/heads/main")
_EMPTY_LINE: Final = re.compile(r"\n\s*\n")
_REVERT: Final = re.compile(r'(Revert|Reapply) ".*^This reverts commit [0-9a-f]{7,64}', re.DOTALL | re.MULTILINE)


class NoHistoryError(Exception):
    """There is nothing to check; the text says why."""


class CommitSubject(NamedTuple):
    """A commit whose subject is checked.

    parents: the number of parents.
    message: the whole message, as it was written.
    """

    id: str
    parents: int
    message: str

    @property
    def subject(self) -> str:
        """The lines before the first empty line, as git joins them."""
        return " ".join(_EMPTY_LINE.split(self.message.strip(), maxsplit=1)[0].split("\n"))

    @property
    def is_made_by_git(self) -> bool:
        return self.parents > 1 or _REVERT.match(self.message.lstrip()) is not None


class Repository:
    """The repository whose top folder is `root`. Raises NoHistoryError if there is none."""

    def __init__(self, root: Path) -> None:
        self._root = root
        try:
            found = self._git("rev-parse", "--show-toplevel")
        except FileNotFoundError:
            raise NoHistoryError("git is not installed") from None
        if found.returncode:
            raise NoHistoryError(found.stderr.strip().partition("\n")[0])
        if Path(found.stdout.strip()).resolve() != root.resolve():
            raise NoHistoryError("this folder has no repository of its own")
        if not self._has("HEAD"):
            raise NoHistoryError("there is no commit yet")

    def new_commits(self, since: str) -> tuple[str, list[CommitSubject]]:
        """A text that says where the new commits begin, and the commits, the newest first."""
        if self._git("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
            return "the newest commit, as this clone is shallow", self._commits("--max-count=1")
        tag = self._git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD")
        old = [f"^{since}"] if self._has(since) else []
        if tag.returncode == 0:
            name = tag.stdout.strip()
            return f"the commits since {name}", self._commits(f"^refs/tags/{name}", *old)
        main = next((name for name in MAIN if self._has(name)), None)
        if main is not None and (found := self._commits(f"^{main}", *old)):
            return f"the commits that {main.removeprefix('refs/').partition('/')[2]} has not", found
        if self._git("merge-base", "--is-ancestor", since, "HEAD").returncode == 0 and (found := self._commits(*old)):
            return f"the commits since {since[:8]}", found
        return "the newest commit", self._commits("--max-count=1")

    def _commits(self, *limits: str) -> list[CommitSubject]:
        """The commits of HEAD, within these limits. The parents are those of the commit itself, in a shallow clone too.
        """
        done = self._git("rev-list", "--header", "--encoding=UTF-8", "HEAD", *limits)
        done.check_returncode()
        return [_commit(text) for text in done.stdout.split("\0") if text.strip()]

    def _has(self, name: str) -> bool:
        return self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").returncode == 0

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], cwd=self._root, capture_output=True, encoding="utf-8",
                              errors="replace", check=False)


def _commit(text: str) -> CommitSubject:
    """One entry of `git rev-list --header`: the id, the header, an empty line, and the message four columns in."""
    header, _, message = text.partition("\n\n")
    first, *lines = header.split("\n")
    return CommitSubject(first, sum(line.startswith("parent ") for line in lines),
                  "\n".join(line.removeprefix("    ") for line in message.split("\n")))


def complaints(commits: list[CommitSubject]) -> Iterator[str]:
    """A text for each wrong commit: what is wrong, and how to fix it."""
    for one in commits:
        if len(one.subject) > LONGEST and not one.is_made_by_git:
            yield (f"{one.id[:8]}: the subject has {len(one.subject)} characters, at most {LONGEST} are allowed\n"
                   f"    {one.subject}\n"
                   "    Write a short subject, an empty line, and the reason: `git commit --amend` for the newest\n"
                   f"    commit, else `git rebase --interactive {one.id[:8]}^` with `reword`.")


def main(root: Path = ROOT, since: str = SINCE) -> int:
    """Check the new commits. Returns the exit status."""
    try:
        which, commits = Repository(root).new_commits(since)
    except NoHistoryError as error:
        print(f"commits: nothing to check: {error}")
        return 0
    found = list(complaints(commits))
    for text in found:
        print(text)
    print(f"commits: checked {which}: {len(found)} of {len(commits)} must be reworded")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
