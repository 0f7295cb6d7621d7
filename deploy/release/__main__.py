"""The command line of the pipeline's steps. What they find out for later steps goes to the file GITHUB_OUTPUT names."""

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


def _output(**values: str) -> None:
    """Values for later steps; each is one line."""
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
    """All from the environment: what people write has no way into a command line."""
    environ = os.environ
    webhook = environ.get("SLACK_WEBHOOK_URL")
    if not webhook:
        sys.stderr.write("::warning::SLACK_WEBHOOK_URL is not set, so nobody is told\n")
        return
    address = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}"
    found, commit = environ.get("CHANGES"), environ.get("COMMIT") or environ["GITHUB_SHA"]
    # Where it failed before anybody looked what runs, what was pushed is what somebody has to look at.
    pushed = None if found else changes.pushed(Path.cwd(), environ.get("BEFORE"), commit)
    slack.post(webhook, slack.message(slack.Deployment(
        commit=commit, actor=environ["GITHUB_ACTOR"],
        repository=address, run=f"{address}/actions/runs/{environ['GITHUB_RUN_ID']}", seconds=_lasted(environ),
        results={name: job["result"] for name, job in json.loads(environ["NEEDS"]).items()},
        changes=changes.Changes.from_json(json.loads(found)) if found else pushed,
        why=environ.get("WHY") or None, before_runs=environ.get("LEFT") == "before")))


def _lasted(environ: Mapping[str, str]) -> float | None:
    """Seconds since this run began, as GitHub knows it; None where it does not answer: no reason not to tell."""
    path = f"/repos/{environ['GITHUB_REPOSITORY']}/actions/runs/{environ['GITHUB_RUN_ID']}"
    try:
        answer = httpx.get(environ["GITHUB_API_URL"] + path, timeout=10,
                           headers={"authorization": f"Bearer {environ['GITHUB_TOKEN']}"}).raise_for_status()
        began = datetime.fromisoformat(answer.json()["run_started_at"])
    except (httpx.HTTPError, LookupError, TypeError, ValueError):
        return None
    return (datetime.now(UTC) - began).total_seconds()


def main(arguments: list[str] | None = None) -> int:
    """0 done, 1 the step failed, with the reason for Slack in the output `why`; `left` says what runs: what ran
    `before`, or `unknown`."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str, *, registry: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(run=run)
        if registry:
            one.add_argument("--repository", required=True, help="URI of the ECR repository, without a tag")
            one.add_argument("--digest", required=True, help="sha256:…, of an image that is in it")
        return one

    command("scan", scan, "Wait for the registry's scan; fail on a finding that is critical or high.")
    command("changes", find_changes, "What has changed since what the stack says that runs.").add_argument(
        "--stack", required=True)
    one = command("deploy", deploy, "Change the stack to the image, and wait until it is stable.")
    one.add_argument("--stack", required=True)
    one.add_argument("--template", required=True, type=Path)
    one.add_argument("--role", help="what CloudFormation works as")
    command("slack", tell, "Tell Slack; all is read from the environment.", registry=False)
    given = parser.parse_args(arguments)
    try:
        given.run(given)
    except ReleaseError as error:
        sys.stderr.write(f"::error::{error}\n")
        _output(why=str(error), left="unknown" if isinstance(error, UnknownStateError) else "before")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
