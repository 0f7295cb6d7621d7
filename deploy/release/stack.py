"""Only the stack says what runs, by its parameters Image and Commit. This module changes only these two."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError, WaiterError

from deploy.release.errors import ReleaseError, UnknownStateError
from deploy.release.image import Image

CHANGED: Final = ("Image", "Commit")
WENT_BACK: Final = ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
NOTHING: Final = "No updates are to be performed"
POLL_S: Final = 15
POLLS: Final = 160  # forty minutes: three services, one after another at the worst


class Running(NamedTuple):
    """The image and the commit that run, as the stack says; None before the first deployment by this pipeline."""

    image: str | None
    commit: str | None


def running(cloudformation: Any, name: str) -> Running:
    """What the stack runs. Raises ReleaseError if there is no such stack."""
    values = _parameters(cloudformation, name)
    return Running(values.get("Image"), values.get("Commit"))


def deploy(cloudformation: Any, name: str, template: Path, image: Image, role: str | None = None, *,
           poll_s: float = POLL_S, clock: Callable[[], float] = time.time) -> bool:
    """Change the stack to an image and wait until its services are stable. Returns False if the image already runs.

    After a failure the circuit breaker of each service goes back to the former version, and so does the stack. Raises
    ReleaseError with the reasons that CloudFormation gives; UnknownStateError if the stack has not gone back.
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
        raise _failed(cloudformation, name, started) from None
    return True


def _failed(cloudformation: Any, name: str, since: float) -> ReleaseError:
    """The error for a change that failed: it says what has become of the stack."""
    try:
        status = _described(cloudformation, name)["StackStatus"]
        reasons = failures(cloudformation, name, since)
    except (ClientError, ReleaseError) as error:
        return UnknownStateError(f"the state of the stack {name} is unknown: {error}")
    because = "; ".join(reasons or ["no reason is given: look at the events of the stack"])
    if status in WENT_BACK:
        return ReleaseError(f"the stack {name} went back to what ran before: {because}")
    if status.endswith("_IN_PROGRESS"):
        return UnknownStateError(f"the stack {name} is {status} after the time that it has: wait until it is "
                                 f"stable, and deploy again: {because}")
    return UnknownStateError(f"the stack {name} could not go back, it is {status}: fix the cause, then `aws "
                             f"cloudformation continue-update-rollback --stack-name {name}`: {because}")


def failures(cloudformation: Any, name: str, since: float, most: int = 3) -> list[str]:
    """The first failures since a time (epoch seconds), in their order, `most` at most."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'failed')}" for one in reversed(events)
            if one["ResourceStatus"].endswith("_FAILED") and one["Timestamp"].timestamp() >= since - 1][:most]


def _parameters(cloudformation: Any, name: str) -> dict[str, str]:
    found = _described(cloudformation, name)
    return {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())}


def _described(cloudformation: Any, name: str) -> dict[str, Any]:
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise ReleaseError(f"the stack {name} cannot be read: {error}") from None
        raise ReleaseError(f"there is no stack {name}: make it once by hand, see docs/operate.md") from None
    return stack
