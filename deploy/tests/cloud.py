"""These tests use moto in this process as their cloud: an account with a repository of images, and the stack."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import boto3
import yaml
from moto.ecs.models import ecs_backends

TEMPLATE: Final = Path(__file__).parents[1] / "aws" / "ecs.yaml"
STACK: Final = "anbu"
SECRETS: Final = ("KekSecret", "GatewaySecret", "WebTokenSecret", "WorkerTokenSecret", "MongoSecret",
                  "KafkaPasswordSecret")


class Past(NamedTuple):
    """A repository and its commits, oldest first."""

    folder: Path
    commits: list[str]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # it has no annotations
    """Reads a template, and skips CloudFormation's own tags."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def defaults() -> dict[str, str]:
    """The defaults of the template's parameters. moto knows no previous value of a parameter that was not given."""
    parameters = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)["Parameters"]  # noqa: S506 - a SafeLoader
    return {name: str(one["Default"]) for name, one in parameters.items() if "Default" in one}


class Cloud:
    """An account with a repository of images, and, once `start` was called, the stack."""

    def __init__(self) -> None:
        self.ecr: Any = boto3.client("ecr")
        self.cloudformation: Any = boto3.client("cloudformation")
        self.repository: str = self.ecr.create_repository(repositoryName=STACK)["repository"]["repositoryUri"]

    def push(self, tag: str) -> str:
        """Push an image with this tag. Returns its digest."""
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 1,
                               "digest": f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"}, "layers": []}
        text = json.dumps(manifest)
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        self.ecr.put_image(repositoryName=STACK, imageManifest=text, imageTag=tag, imageDigest=digest)
        return digest

    def start(self, digest: str, commit: str) -> None:
        """Make the stack by hand, as an operator does at set-up."""
        ec2 = boto3.resource("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")
        subnets = [vpc.create_subnet(CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"ap-northeast-2{'ab'[n % 2]}").id
                   for n in range(4)]
        certificate = boto3.client("acm").request_certificate(DomainName="anbu.example.org")["CertificateArn"]
        secret = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret"
        given = {**defaults(), **{name: f"{secret}:{name}-AbCdEf" for name in SECRETS}, "AccessLogBucket": "logs",
                 "Kafka": "b-1.kafka:9096", "CertificateArn": certificate, "VpcId": vpc.id,
                 "PublicSubnets": ",".join(subnets[:2]), "PrivateSubnets": ",".join(subnets[2:]),
                 "Image": f"{self.repository}@{digest}", "Commit": commit}
        self.cloudformation.create_stack(
            StackName=STACK, TemplateBody=TEMPLATE.read_text(encoding="utf-8"), Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()])

    def images(self) -> set[str]:
        """The images of the newest task definition of each family."""
        # moto's interface leaves out what an update wrote: moto then has the template's names, with a capital.
        families = ecs_backends["123456789012"]["ap-northeast-2"].task_definitions.values()
        newest = [revisions[max(revisions)].container_definitions[0] for revisions in families]
        return {value for one in newest for key, value in one.items() if key.lower() == "image"}
