"""New commits have short subjects, whatever clone the check runs in; older ones are left alone."""

import os
import subprocess
from pathlib import Path

import pytest

from deploy import commits
from deploy.commits import LONGEST, SINCE, main

SHORT, LONG = "Add a page", "Add a page " * 10
NOWHERE = "0" * 40


@pytest.fixture(autouse=True)
def only_our_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of this machine, and no repository of a hook that runs the tests."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


class Made:
    """A repository that git made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self._introduce()

    def _introduce(self) -> None:
        self.git("config", "user.name", "Kim")
        self.git("config", "user.email", "kim@example.org")

    def git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True,
                              check=True).stdout.strip()

    def commit(self, message: str) -> str:
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def clone(self, folder: Path, *options: str) -> "Made":
        self.git("clone", "--quiet", *options, self.folder.as_uri(), str(folder))
        made = Made.__new__(Made)
        made.folder = folder
        made._introduce()
        return made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "made")


@pytest.mark.parametrize(("subject", "status"), [("x" * LONGEST, 0), ("x" * (LONGEST + 1), 1),
                                                 ("안" * LONGEST, 0), ("안" * (LONGEST + 1), 1)])
def test_a_subject_is_counted_in_characters(made: Made, subject: str, status: int) -> None:
    made.commit(subject)
    assert main(made.folder, NOWHERE) == status


def test_a_long_subject_is_reported_with_its_commit_and_a_remedy(made: Made,
                                                                 capsys: pytest.CaptureFixture[str]) -> None:
    since = made.commit(SHORT)
    bad = made.commit(f"{LONG}\n\nBecause.")
    made.commit(SHORT)
    assert main(made.folder, since) == 1
    said = capsys.readouterr().out
    assert f"{bad[:8]}: the subject has {len(LONG.strip())} characters, at most 72 are allowed" in said
    assert f"git rebase --interactive {bad[:8]}^" in said
    assert said.endswith(f"commits: checked the commits since {since[:8]}: 1 of 2 must be reworded\n")


def test_a_reason_may_be_long_and_needs_an_empty_line_before_it(made: Made) -> None:
    made.commit(f"{SHORT}\n\n{LONG}")
    assert main(made.folder, NOWHERE) == 0
    made.commit(f"{SHORT}\nbecause of what the page did not show before, to those who read it")
    assert main(made.folder, NOWHERE) == 1


@pytest.mark.parametrize("annotated", [False, True])
def test_commits_since_the_last_release_are_checked(made: Made, annotated: bool) -> None:
    made.commit(LONG)
    made.git("tag", *(["--annotate", "--message", "0.1.0"] if annotated else []), "v0.1.0")
    assert main(made.folder, NOWHERE) == 0, "the release itself is published"
    made.git("tag", "vendor-1")
    made.commit(SHORT)
    assert main(made.folder, NOWHERE) == 0
    made.commit(LONG)
    made.commit(SHORT)
    made.git("tag", "later")
    assert main(made.folder, NOWHERE) == 1, "no other tag is a release"
    made.git("tag", "v0.2.0")
    made.commit(SHORT)
    assert main(made.folder, NOWHERE) == 0


def test_a_release_on_another_branch_does_not_count(made: Made) -> None:
    made.commit(SHORT)
    made.git("switch", "--quiet", "--create", "other")
    made.commit(SHORT)
    made.git("tag", "v0.1.0")
    made.git("switch", "--quiet", "main")
    made.commit(LONG)
    assert main(made.folder, NOWHERE) == 1


def test_an_old_release_does_not_bring_old_commits_back(made: Made) -> None:
    made.commit(SHORT)
    made.git("tag", "v0.0.1")
    since = made.commit(LONG)
    made.commit(SHORT)
    assert main(made.folder, since) == 0


def test_on_a_branch_only_its_own_commits_are_checked(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    made.commit(LONG)
    made.git("switch", "--quiet", "--create", "branch")
    made.commit(SHORT)
    assert main(made.folder, NOWHERE) == 0
    assert "checked the commits that main has not: 0 of 1" in capsys.readouterr().out
    made.commit(LONG)
    assert main(made.folder, NOWHERE) == 1


def test_on_main_commits_after_the_rule_are_checked(made: Made) -> None:
    made.commit(LONG)
    since = made.commit(LONG)
    made.commit(SHORT)
    assert main(made.folder, since) == 0
    made.commit(LONG)
    made.commit(SHORT)
    assert main(made.folder, since) == 1
    assert main(made.folder, NOWHERE) == 0, "a rewritten main: the newest commit alone"


def test_a_stale_main_does_not_bring_old_commits_back(made: Made, tmp_path: Path) -> None:
    made.commit(SHORT)
    clone = made.clone(tmp_path / "clone")
    clone.commit(LONG)
    since = clone.commit(SHORT)
    assert main(clone.folder, since) == 0
    clone.commit(LONG)
    assert main(clone.folder, since) == 1


@pytest.mark.parametrize("branch", [False, True])
def test_a_detached_head_is_checked(made: Made, tmp_path: Path, branch: bool) -> None:
    """As continuous integration checks out: a commit, and perhaps not even a remote."""
    since = made.commit(LONG)
    made.commit(SHORT)
    clone = made.clone(tmp_path / "clone")
    clone.git("checkout", "--quiet", "--detach")
    clone.git("branch", "--delete", "--force", "main")
    if not branch:
        clone.git("remote", "remove", "origin")
    assert main(clone.folder, since) == 0
    clone.commit(LONG)
    assert main(clone.folder, since) == 1


def test_in_a_shallow_clone_the_newest_commit_is_checked(made: Made, tmp_path: Path,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    made.commit(LONG)
    made.commit(LONG)
    made.commit(SHORT)
    assert main(made.clone(tmp_path / "good", "--depth=2").folder, SINCE) == 0
    assert "the newest commit, as this clone is shallow: 0 of 1" in capsys.readouterr().out
    made.commit(LONG)
    assert main(made.clone(tmp_path / "bad", "--depth=1").folder, SINCE) == 1


@pytest.mark.parametrize("depth", [(), ("--depth=1",)])
def test_merges_are_not_checked(made: Made, tmp_path: Path, depth: tuple[str, ...]) -> None:
    """A shallow clone hides the parents of a merge; it is one all the same."""
    made.commit(SHORT)
    made.git("switch", "--quiet", "--create", "branch")
    made.commit(SHORT)
    made.git("switch", "--quiet", "main")
    made.git("merge", "--quiet", "--no-ff", "--message", LONG, "branch")
    assert main(made.clone(tmp_path / "clone", *depth).folder, NOWHERE) == 0


def test_reverts_are_not_checked(made: Made) -> None:
    (made.folder / "page").write_text("page")
    made.git("add", "page")
    since = made.commit("x" * LONGEST)
    made.git("revert", "--no-edit", "HEAD")
    assert len(made.git("log", "-1", "--format=%s")) > LONGEST
    assert main(made.folder, since) == 0
    made.commit(f'Revert "{LONG}"')
    assert main(made.folder, since) == 1, "typed by hand: it names no commit"


def test_a_subject_in_another_encoding_is_counted_in_characters(made: Made) -> None:
    made.git("config", "i18n.commitEncoding", "EUC-KR")
    message = made.folder / "message"
    message.write_bytes(("안" * LONGEST).encode("euc-kr"))
    made.git("commit", "--quiet", "--allow-empty", "--file", str(message))
    assert main(made.folder, NOWHERE) == 0


def test_without_a_history_the_check_says_so_and_passes(tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    assert main(made.folder) == 0
    assert capsys.readouterr().out == "commits: nothing to check: there is no commit yet\n"
    made.commit(LONG)
    (made.folder / "archive").mkdir()
    assert main(made.folder / "archive") == 0, "unpacked amid the repository of somebody else"
    assert "no repository of its own" in capsys.readouterr().out
    (tmp_path / "archive").mkdir()
    assert main(tmp_path / "archive") == 0
    assert "nothing to check: fatal: not a git repository" in capsys.readouterr().out
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(made.folder) == 0
    assert "git is not installed" in capsys.readouterr().out


def test_the_check_looks_at_its_own_repository() -> None:
    assert (commits.ROOT / "deploy" / "commits.py").is_file()
    assert len(SINCE) == 40
