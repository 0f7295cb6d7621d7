"""The pipeline's steps against a cloud of moto: they deploy only pushed and scanned images, and can go back."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from deploy.release import image, stack
from deploy.release.__main__ import main
from deploy.release.errors import ReleaseError
from deploy.tests.cloud import STACK, TEMPLATE, Cloud, Past

NOWHERE = "sha256:" + "0" * 64


def run(cloud: Cloud, command: str, digest: str, *more: str) -> int:
    return main([command, "--repository", cloud.repository, "--digest", digest, *more])


def outputs(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(path))
    return path


def test_a_deployment_and_the_way_back(cloud: Cloud, past: Past, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = cloud.push(past.commits[0]), cloud.push(past.commits[3])
    cloud.start(old, past.commits[0])
    monkeypatch.chdir(past.folder)
    assert cloud.images() == {f"{cloud.repository}@{old}"}

    deploy = ("--stack", STACK, "--template", str(TEMPLATE), "--role", "arn:aws:iam::123456789012:role/stack")
    assert run(cloud, "changes", new, "--stack", STACK) == 0
    found = json.loads(outputs(output)["changes"])
    assert [one["subject"] for one in found["commits"]] == [f"Change {n} <b> & more" for n in (3, 2, 1)]
    assert (found["before"], found["back"]) == (past.commits[0], False)
    assert run(cloud, "deploy", new, *deploy) == 0
    assert cloud.images() == {f"{cloud.repository}@{new}"}
    assert stack.running(cloud.cloudformation, STACK) == (f"{cloud.repository}@{new}", past.commits[3])

    assert run(cloud, "changes", f"{cloud.repository}@{old}", "--stack", STACK) == 0
    found = json.loads(outputs(output)["changes"])
    assert (found["back"], len(found["commits"])) == (True, 3)
    assert run(cloud, "deploy", old, *deploy) == 0
    assert cloud.images() == {f"{cloud.repository}@{old}"}
    assert outputs(output)["commit"] == past.commits[0]


def test_the_other_parameters_stay(cloud: Cloud, past: Past) -> None:
    old, new = cloud.push(past.commits[0]), cloud.push(past.commits[1])
    cloud.start(old, past.commits[0])
    assert run(cloud, "deploy", new, "--stack", STACK, "--template", str(TEMPLATE)) == 0
    found = cloud.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in found}
    assert (values["Kafka"], values["Image"]) == ("b-1.kafka:9096", f"{cloud.repository}@{new}")


@pytest.mark.parametrize(("digest", "why"), [
    ("latest", "is no digest"), ("sha256:abc", "is no digest"), ("anbu:v1", "is no digest"),
    (NOWHERE, "was never pushed")])
def test_what_cannot_be_deployed(cloud: Cloud, past: Past, output: Path, digest: str, why: str) -> None:
    cloud.start(cloud.push(past.commits[0]), past.commits[0])
    assert run(cloud, "deploy", digest, "--stack", STACK, "--template", str(TEMPLATE)) == 1
    assert why in outputs(output)["why"]


def test_an_image_that_this_pipeline_did_not_build(cloud: Cloud) -> None:
    with pytest.raises(ReleaseError, match="bears no commit"):
        image.find(cloud.ecr, cloud.repository, cloud.push("v1"))


def test_no_stack(cloud: Cloud, past: Past, output: Path) -> None:
    assert run(cloud, "deploy", cloud.push(past.commits[0]), "--stack", STACK, "--template", str(TEMPLATE)) == 1
    assert "make it once by hand" in outputs(output)["why"]


SCANNED = "sha256:" + "5" * 64
PLAIN: dict[str, Any] = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}
BUILT: dict[str, Any] = {  # as BuildKit pushes it with its bill of materials and provenance
    "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {"digest": SCANNED, "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": "sha256:" + "6" * 64, "platform": {"os": "unknown", "architecture": "unknown"},
         "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": SCANNED}}]}


class Registry:
    """Answers as ECR does, during a scan and after it: ECR has no scan of an index, only of the image in it."""

    class exceptions:
        class ScanNotFoundException(Exception): ...

    def __init__(self, *answers: tuple[str, dict[str, int]] | None, manifest: dict[str, Any] = BUILT) -> None:
        self._answers, self._manifest = list(answers), manifest
        self._scanned = SCANNED if "manifests" in manifest else NOWHERE

    def batch_get_image(self, **_: Any) -> dict[str, Any]:
        return {"images": [{"imageManifest": json.dumps(self._manifest)}] if self._manifest else []}

    def describe_image_scan_findings(self, *, imageId: dict[str, str], **_: Any) -> dict[str, Any]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None or imageId["imageDigest"] != self._scanned:
            raise self.exceptions.ScanNotFoundException
        status, counts = answer
        return {"imageScanStatus": {"status": status}, "imageScanFindings": {"findingSeverityCounts": counts}}


@pytest.mark.parametrize(("answers", "why"), [
    ([None, ("IN_PROGRESS", {}), ("COMPLETE", {"LOW": 3})], None),
    ([("COMPLETE", {"CRITICAL": 1, "HIGH": 2, "LOW": 3})], "1 CRITICAL, 2 HIGH"),
    ([("FAILED", {})], "is FAILED"),
    ([("UNSUPPORTED_IMAGE", {})], "is UNSUPPORTED_IMAGE after 0 s"),
    ([None], "is PENDING after 10 s")])
def test_the_scan(answers: list[Any], why: str | None) -> None:
    waited: list[float] = []

    def scan() -> dict[str, int]:
        return image.scan(Registry(*answers), "registry/anbu", NOWHERE, patience_s=10, sleep=waited.append)

    if why is None:
        assert (scan(), waited) == ({"LOW": 3}, [5.0, 5.0])
        return
    with pytest.raises(ReleaseError, match=why):
        scan()


def test_the_scan_of_an_image_without_attestations() -> None:
    assert image.scan(Registry(("COMPLETE", {}), manifest=PLAIN), "registry/anbu", NOWHERE) == {}


@pytest.mark.parametrize(("manifest", "why"), [
    ({}, "has no image"), ({**BUILT, "manifests": BUILT["manifests"][:1] * 2}, "2 images"),
    ({**BUILT, "manifests": BUILT["manifests"][1:]}, "0 images")])
def test_nothing_passes_unscanned(manifest: dict[str, Any], why: str) -> None:
    with pytest.raises(ReleaseError, match=why):
        image.scan(Registry(("COMPLETE", {}), manifest=manifest), "registry/anbu", NOWHERE, patience_s=0)


class Failing:
    """A client of moto, except that a change fails: moto never goes back by itself. The events and the status are those
    of CloudFormation after the circuit breaker has acted.

    status: the status of the stack after the change; None: CloudFormation is away by then.
    """

    def __init__(self, real: Any, status: str | None) -> None:
        self._real, self._status = real, status
        self._waited = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def describe_stacks(self, **options: Any) -> Any:
        found = self._real.describe_stacks(**options)
        if not self._waited:
            return found
        if self._status is None:
            raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "DescribeStacks")
        return {"Stacks": [{**found["Stacks"][0], "StackStatus": self._status}]}

    def describe_stack_events(self, **options: Any) -> Any:
        real = self._real.describe_stack_events(**options)["StackEvents"][0]
        return {"StackEvents": [
            {**real, "LogicalResourceId": name, "ResourceStatus": status, "ResourceStatusReason": reason}
            for name, status, reason in (("anbu", self._status or "", ""), (
                "WorkerService", "UPDATE_FAILED", "ECS Deployment Circuit Breaker was triggered"))]}

    def get_waiter(self, _name: str) -> Any:
        return self

    def wait(self, **_: Any) -> None:
        self._waited = True
        raise WaiterError("stack_update_complete", "terminal failure", {})


@pytest.mark.parametrize(("status", "why", "left"), [
    ("UPDATE_ROLLBACK_COMPLETE", "went back", "before"),
    ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "went back", "before"),
    ("UPDATE_ROLLBACK_FAILED", "could not go back, it is UPDATE_ROLLBACK_FAILED.*continue-update-rollback", "unknown"),
    ("UPDATE_FAILED", "could not go back", "unknown"),
    ("UPDATE_ROLLBACK_IN_PROGRESS", "is UPDATE_ROLLBACK_IN_PROGRESS after the time", "unknown"),
    (None, "the state of the stack", "unknown")])
def test_a_failed_update_says_why_and_what_runs(cloud: Cloud, past: Past, output: Path, monkeypatch: pytest.MonkeyPatch,
                                               status: str | None, why: str, left: str) -> None:
    cloud.start(cloud.push(past.commits[0]), past.commits[0])
    clients = {"ecr": cloud.ecr, "cloudformation": Failing(cloud.cloudformation, status)}
    monkeypatch.setattr("boto3.client", clients.__getitem__)
    assert run(cloud, "deploy", cloud.push(past.commits[1]), "--stack", STACK, "--template", str(TEMPLATE)) == 1
    said = outputs(output)
    assert re.search(why, said["why"])
    assert said["left"] == left
    assert (status is None) is ("WorkerService: ECS Deployment Circuit Breaker was triggered" not in said["why"])


def test_nothing_to_do_is_no_failure(cloud: Cloud, past: Past) -> None:
    digest = cloud.push(past.commits[0])
    cloud.start(digest, past.commits[0])
    found = image.find(cloud.ecr, cloud.repository, digest)

    class Same:
        describe_stacks = cloud.cloudformation.describe_stacks

        def update_stack(self, **_: Any) -> None:
            error = {"Code": "ValidationError", "Message": "No updates are to be performed."}
            raise ClientError({"Error": error}, "UpdateStack")

    assert stack.deploy(Same(), STACK, TEMPLATE, found) is False


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert all(name in told for name in ("scan", "changes", "deploy", "slack"))
