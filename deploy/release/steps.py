"""The pipeline's steps, as the command line calls them."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import boto3
import httpx

from deploy.release import changes, image, slack, stack
from deploy.release.errors import ReleaseError, UnknownStateError


def run(step: str, given: argparse.Namespace) -> int:
    """Run a step. Returns 0 if it is done, 1 if it failed. After a failure the output `why` has the reason for Slack,
    and the output `left` says what runs now: the version `before`, or `unknown`."""
    steps = {"scan": scan, "changes": find_changes, "deploy": deploy, "slack": tell}
    try:
        steps[step](given)
    except ReleaseError as error:
        sys.stderr.write(f"::error::{error}\n")
        _output(why=str(error), left="unknown" if isinstance(error, UnknownStateError) else "before")
        return 1
    return 0


def _output(**values: str) -> None:
    """Write values for later steps, each as one line."""
    lines = "".join(f"{name}={value.replace(chr(10), ' ')}\n" for name, value in values.items())
    sys.stdout.write(lines)
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(lines)


def scan(given: argparse.Namespace) -> None:
    counts = image.scan(boto3.client("ecr"), given.repository, given.digest)
    _output(findings=", ".join(f"{count} {severity}" for severity, count in sorted(counts.items())) or "none")


def find_changes(given: argparse.Namespace) -> None:
    wanted = image.find(boto3.client("ecr"), given.repository, given.digest)
    before = stack.running(boto3.client("cloudformation"), given.stack).commit
    found = changes.between(Path.cwd(), before, wanted.commit)
    _output(commit=wanted.commit, changes=json.dumps(found.as_json(), ensure_ascii=False))


def deploy(given: argparse.Namespace) -> None:
    wanted = image.find(boto3.client("ecr"), given.repository, given.digest)
    changed = stack.deploy(boto3.client("cloudformation"), given.stack, given.template, wanted, given.role)
    _output(changed=str(changed).lower(), image=wanted.reference)


def tell(_: argparse.Namespace) -> None:
    """Notify Slack. All values come from the environment, so that texts of people never get into a command line."""
    environ = os.environ
    webhook = environ.get("SLACK_WEBHOOK_URL")
    if not webhook:
        sys.stderr.write("::warning::SLACK_WEBHOOK_URL is not set, so no notification is sent\n")
        return
    address = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}"
    found, commit = environ.get("CHANGES"), environ.get("COMMIT") or environ["GITHUB_SHA"]
    # If the run failed before a step found out what runs, the pushed commits are those to look at.
    pushed = None if found else changes.pushed(Path.cwd(), environ.get("BEFORE"), commit)
    slack.post(webhook, slack.message(slack.Deployment(
        commit=commit, actor=environ["GITHUB_ACTOR"],
        repository=address, run=f"{address}/actions/runs/{environ['GITHUB_RUN_ID']}", seconds=_lasted(environ),
        results={name: job["result"] for name, job in json.loads(environ["NEEDS"]).items()},
        changes=changes.Changes.from_json(json.loads(found)) if found else pushed,
        why=environ.get("WHY") or None, before_runs=environ.get("LEFT") == "before")))


def _lasted(environ: Mapping[str, str]) -> float | None:
    """Seconds since this run began, as GitHub says; None if GitHub does not answer: Slack is notified all the same."""
    path = f"/repos/{environ['GITHUB_REPOSITORY']}/actions/runs/{environ['GITHUB_RUN_ID']}"
    try:
        answer = httpx.get(environ["GITHUB_API_URL"] + path, timeout=10,
                           headers={"authorization": f"Bearer {environ['GITHUB_TOKEN']}"}).raise_for_status()
        began = datetime.fromisoformat(answer.json()["run_started_at"])
    except (httpx.HTTPError, LookupError, TypeError, ValueError):
        return None
    return (datetime.now(UTC) - began).total_seconds()
