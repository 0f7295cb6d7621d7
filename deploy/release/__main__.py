"""The command line of the pipeline's steps. Their results for later steps go to the file that GITHUB_OUTPUT names.

The help works also if the packages that the steps need are not installed.
"""

import argparse
import importlib
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Returns the status of `steps.run`; 2 if the arguments are wrong, or if a package that a step needs is missing."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="step")

    def command(name: str, text: str, *, registry: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        if registry:
            one.add_argument("--repository", required=True, help="URI of the ECR repository, without a tag")
            one.add_argument("--digest", required=True, help="sha256:…, of an image that is in it")
        return one

    command("scan", "Wait for the registry's scan; fail on a finding that is critical or high.")
    command("changes", "List the changes since the commit that the stack runs.").add_argument("--stack", required=True)
    one = command("deploy", "Change the stack to the image, and wait until it is stable.")
    one.add_argument("--stack", required=True)
    one.add_argument("--template", required=True, type=Path)
    one.add_argument("--role", help="role that CloudFormation assumes")
    command("slack", "Notify Slack; all values are read from the environment.", registry=False)
    given = parser.parse_args(arguments)
    try:
        steps = importlib.import_module("deploy.release.steps")
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed in this Python: deploy/tools makes .venv-release with the "
                         "packages of the pipeline's steps\n")
        return 2
    status: int = steps.run(given.step, given)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
