"""Slack gets the changes, the actor and the duration, of failures too: over HTTP, as a webhook answers."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.release import changes, slack
from deploy.release.__main__ import main
from deploy.release.errors import ReleaseError
from deploy.tests.cloud import Past

OK = {"verify": "success", "build": "success", "deploy": "success"}


class Peer:
    """Stands in for Slack, which takes only `text` and well-formed `blocks`, and for GitHub's API.

    answers: Slack's answers, in order.
    """

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self.got: list[dict[str, Any]] = []
        self.asked: list[str] = []
        peer, todo = self, list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                document = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, headers = todo.pop(0) if todo else (200, {})
                if status == 200 and not peer.well_formed(document):
                    status = 400
                if status == 200:
                    peer.got.append(document)
                self.answer(status, headers, b"ok" if status == 200 else b"no")

            def do_GET(self) -> None:
                peer.asked.append(f"{self.path} {self.headers['authorization']}")
                began = datetime.now(UTC) - timedelta(seconds=432)
                self.answer(200, {}, json.dumps({"run_started_at": f"{began:%Y-%m-%dT%H:%M:%SZ}"}).encode())

            def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    @staticmethod
    def well_formed(document: dict[str, Any]) -> bool:
        texts = [block["text"] for block in document["blocks"]]
        return (set(document) == {"text", "blocks"} and bool(document["text"]) and len(document["blocks"]) <= 50
                and all(block["type"] == "section" for block in document["blocks"])
                and all(one["type"] == "mrkdwn" and 0 < len(one["text"]) <= 3000 for one in texts))

    def __enter__(self) -> "Peer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as one:
        yield one


def deployment(past: Past, results: dict[str, str], found: changes.Changes | None,
               why: str | None = None, *, before_runs: bool = True) -> slack.Deployment:
    address = "https://github.example/o/anbu"
    return slack.Deployment(past.commits[-1], "kim", address, f"{address}/actions/runs/1", 432, results, found, why,
                            before_runs)


def said(document: dict[str, Any]) -> str:
    return "\n".join(block["text"]["text"] for block in document["blocks"])


def test_what_changed_who_and_how_long(past: Past, peer: Peer) -> None:
    found = changes.between(past.folder, past.commits[0], past.commits[3])
    slack.post(peer.url, slack.message(deployment(past, OK, found)))
    (document,) = peer.got
    assert document["text"] == f":white_check_mark: Anbu {past.commits[3][:10]} runs in production"
    told = said(document)
    assert "by kim · 7 min 12 s · <https://github.example/o/anbu/actions/runs/1|log>" in told
    assert f"compare/{past.commits[0]}...{past.commits[3]}|3 commits> since the last deployment" in told
    assert "Change 3 &lt;b&gt; &amp; more (Kim &amp; Lee)" in told
    assert "Change 0" not in told


def test_going_back(past: Past) -> None:
    found = changes.between(past.folder, past.commits[3], past.commits[2])
    document = slack.message(deployment(past, {"verify": "skipped", "build": "skipped", "deploy": "success"}, found))
    assert document["text"].startswith(":rewind: Anbu went back")
    assert "Taken back, 1 commit:" in said(document)
    assert "Change 3" in said(document)


@pytest.mark.parametrize(("results", "headline"), [
    ({"verify": "failure", "build": "skipped", "deploy": "skipped"}, ":x: Anbu {} was not deployed: verify failed."),
    ({"verify": "success", "build": "failure", "deploy": "skipped"}, ":x: Anbu {} was not deployed: build failed."),
    ({"verify": "success", "build": "success", "deploy": "failure"}, ":x: Anbu {} was not deployed: deploy failed."),
    ({"verify": "cancelled", "build": "skipped", "deploy": "skipped"},
     ":warning: Anbu {} was not deployed: it was cancelled."),
    ({"verify": "skipped", "build": "skipped", "deploy": "skipped"},
     ":warning: Anbu {} was not deployed: there was nothing to do, as this was not run on main."),
])
def test_failures_are_told(past: Past, peer: Peer, results: dict[str, str], headline: str) -> None:
    document = slack.message(deployment(past, results, None, "WorkerService: <boom>"))
    slack.post(peer.url, document)
    assert document["text"] == headline.format(past.commits[3][:10]) + " What ran before still runs."
    assert "```WorkerService: &lt;boom&gt;```" in said(document)


@pytest.mark.parametrize(("deploy", "known"), [("failure", False), ("cancelled", False), ("skipped", True)])
def test_what_runs_after_a_failure_is_not_claimed_unless_it_is_known(past: Past, deploy: str, *, known: bool) -> None:
    results = {"verify": "success", "build": "success" if deploy != "skipped" else "failure", "deploy": deploy}
    document = slack.message(deployment(past, results, None, before_runs=False))
    assert ("What ran before still runs." in document["text"]) is known
    assert ("What runs now is not known" in document["text"]) is not known


def test_nobody_knows_what_ran_before(past: Past) -> None:
    for before in (None, "f" * 40):
        found = changes.between(past.folder, before, past.commits[3])
        told = said(slack.message(deployment(past, OK, found)))
        assert "What ran before is not known" in told
        assert told.count("•") == 4


def test_what_was_pushed_is_told_where_it_failed_early(past: Past, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No step has found out what ran: the author of the fault is among the authors of the push."""
    results = {"verify": "failure", "build": "skipped", "deploy": "skipped"}
    monkeypatch.chdir(past.folder)
    for name, value in {**step(past, peer, results), "CHANGES": "", "BEFORE": past.commits[1]}.items():
        monkeypatch.setenv(name, value)
    assert main(["slack"]) == 0
    told = said(peer.got[0])
    assert "2 commits> in this push:" in told
    assert "Change 3" in told
    for unknown in ("", "0" * 40):  # a run by hand; a new branch
        monkeypatch.setenv("BEFORE", unknown)
        assert main(["slack"]) == 0
    assert "Change" not in said(peer.got[1]) + said(peer.got[2])


def step(past: Past, peer: Peer, results: dict[str, str]) -> dict[str, str]:
    """The environment of the workflow's last job."""
    return {"SLACK_WEBHOOK_URL": f"{peer.url}/services/secret", "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_API_URL": peer.url, "GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "o/anbu", "GITHUB_RUN_ID": "1",
            "GITHUB_ACTOR": "kim", "GITHUB_SHA": past.commits[3], "COMMIT": "", "LEFT": "", "BEFORE": "",
            "NEEDS": json.dumps({name: {"result": result, "outputs": {}} for name, result in results.items()})}


def test_a_commit_that_is_not_there(past: Past) -> None:
    with pytest.raises(ReleaseError, match="fetch-depth: 0"):
        changes.between(past.folder, None, "f" * 40)


def test_a_long_list_is_cut_within_slacks_bound(past: Past, peer: Peer) -> None:
    commits = [changes.Commit(f"{n:040x}", "Kim", "<" * 120) for n in range(changes.MOST)]
    document = slack.message(deployment(past, OK, changes.Changes("a" * 40, "b" * 40, False, commits, 40)))
    slack.post(peer.url, document)
    shown = said(document).count("•")
    assert 0 < shown < changes.MOST
    assert f"and {60 - shown} more" in said(document)


def test_thousands_of_commits_go_through_one_variable(tmp_path: Path) -> None:
    """Linux takes 128 KiB for one variable, and GitHub's `needs` has the same text again, escaped."""
    past = tmp_path / "past"
    commits = "".join(f"commit refs/heads/main\nmark :{n + 1}\ncommitter {'김' * 300} <kim@example.org> {n} +0000\n"
                      f"data <<END\n{'안부' * 500} {n}\nEND\n" for n in range(3000))
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", past], check=True)
    subprocess.run(["git", "-C", past, "fast-import", "--quiet"], input=commits, text=True, check=True)
    log = subprocess.run(["git", "-C", past, "log", "--format=%H"], capture_output=True, text=True, check=True)
    newest, *_, oldest = log.stdout.split()
    found = changes.between(past, oldest, newest)
    text = json.dumps({"changes": json.dumps(found.as_json(), ensure_ascii=False)})
    assert len(text) < 128 * 1024
    assert subprocess.run(["true"], env={"CHANGES": text}, check=False).returncode == 0
    assert (len(found.commits), found.left) == (changes.MOST, 2999 - changes.MOST)
    assert changes.Changes.from_json(found.as_json()) == found


@pytest.mark.parametrize(("asked", "least", "most"), [("in a while", 1, 1), ("99999", 60, 60), (None, 20, 31)])
def test_slack_may_ask_for_any_wait(asked: str | None, least: float, most: float) -> None:
    """Slack may also ask for a wait until a date; a value that cannot be read counts as no value."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    waited: list[float] = []
    with Peer((429, {"retry-after": asked or date}), (200, {})) as peer:
        slack.post(peer.url, {"text": "x", "blocks": []}, waited.append)
    assert len(peer.got) == 1
    assert least <= waited[0] <= most


def test_slack_is_tried_again_where_it_is_busy_or_broken() -> None:
    waited: list[float] = []
    with Peer((429, {"retry-after": "7"}), (500, {}), (200, {})) as peer:
        slack.post(peer.url, {"text": "x", "blocks": []}, waited.append)
    assert (len(peer.got), waited) == (1, [7.0, 2.0])


@pytest.mark.parametrize(("answers", "said_of_it", "waits"), [
    ([(404, {})], "404 no", 0), ([(503, {})] * 4, "503 no", 3)])
def test_slack_is_given_up_and_its_address_not_told(answers: list[tuple[int, dict[str, str]]], said_of_it: str,
                                                   waits: int) -> None:
    waited: list[float] = []
    with Peer(*answers) as peer, pytest.raises(ReleaseError, match=said_of_it) as caught:
        slack.post(peer.url, {"text": "x", "blocks": []}, waited.append)
    assert len(waited) == waits
    assert peer.url not in str(caught.value)


def test_the_step_itself(past: Past, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step runs as in the workflow's last job: all values are in the environment."""
    found = changes.between(past.folder, past.commits[2], past.commits[3])
    for name, value in {**step(past, peer, OK), "CHANGES": json.dumps(found.as_json())}.items():
        monkeypatch.setenv(name, value)
    assert main(["slack"]) == 0
    assert "1 commit>" in said(peer.got[0])
    assert re.search("by kim · [0-9]+ min [0-9]+ s · ", said(peer.got[0]))
    assert peer.asked == ["/repos/o/anbu/actions/runs/1 Bearer t"]
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    assert main(["slack"]) == 0
    assert "how long is not known" in said(peer.got[1])
    monkeypatch.delenv("SLACK_WEBHOOK_URL")
    assert main(["slack"]) == 0
    assert len(peer.got) == 2
