"""The stack is the one truth of what runs: its parameters Image and Commit say it, and only they are changed here."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError, WaiterError

from deploy.release.errors import ReleaseError
from deploy.release.image import Image

CHANGED: Final = ("Image", "Commit")
NOTHING: Final = "No updates are to be performed"
POLL_S: Final = 15
POLLS: Final = 160  # forty minutes: three services, one after another at the worst


class Running(NamedTuple):
    """What the stack says that runs; None before the first deployment by this pipeline."""

    image: str | None
    commit: str | None


def running(cloudformation: Any, name: str) -> Running:
    """Raises ReleaseError where there is no such stack."""
    values = _parameters(cloudformation, name)
    return Running(values.get("Image"), values.get("Commit"))


def deploy(cloudformation: Any, name: str, template: Path, image: Image, role: str | None = None, *,
           poll_s: float = POLL_S, clock: Callable[[], float] = time.time) -> bool:
    """Change the stack to an image and wait until its services are stable; False where that already runs.

    The circuit breaker of each service goes back to what ran before, and so does the stack. Raises ReleaseError with
    the reasons that CloudFormation gives.
    """
    kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in _parameters(cloudformation, name)
            if key not in CHANGED]
    started = clock()
    try:
        cloudformation.update_stack(
            StackName=name, TemplateBody=template.read_text(encoding="utf-8"), Capabilities=["CAPABILITY_IAM"],
            Parameters=[*kept, {"ParameterKey": "Image", "ParameterValue": image.reference},
                        {"ParameterKey": "Commit", "ParameterValue": image.commit}],
            **({"RoleARN": role} if role else {}))
    except ClientError as error:
        if NOTHING in str(error):
            return False
        raise ReleaseError(f"the stack {name} cannot be changed: {error}") from None
    try:
        cloudformation.get_waiter("stack_update_complete").wait(
            StackName=name, WaiterConfig={"Delay": poll_s, "MaxAttempts": POLLS})
    except WaiterError:
        reasons = failures(cloudformation, name, started) or ["no reason is given: look at the events of the stack"]
        raise ReleaseError(f"the stack {name} went back to what ran before: {'; '.join(reasons)}") from None
    return True


def failures(cloudformation: Any, name: str, since: float, most: int = 3) -> list[str]:
    """The first things that went wrong since then, in the order in which they did."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'failed')}" for one in reversed(events)
            if one["ResourceStatus"].endswith("_FAILED") and one["Timestamp"].timestamp() >= since - 1][:most]


def _parameters(cloudformation: Any, name: str) -> dict[str, str]:
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        raise ReleaseError(f"there is no stack {name}: make it once by hand, see docs/operate.md") from None
    return {one["ParameterKey"]: one["ParameterValue"] for one in stacks[0].get("Parameters", ())}
