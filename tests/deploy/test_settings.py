"""Compose and the templates set only what the code knows, give every process what it needs, and ask by one check."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.health import PROCESSES
from runtime.settings import SETTINGS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
KNOWN = {one.variable for one in SETTINGS} | {f"{one.variable}_FILE" for one in SETTINGS}
OF_UVICORN_AND_PYTHON = {"FORWARDED_ALLOW_IPS", "TMPDIR"}
NEEDED = {"gateway": {"ANBU_KAFKA", "ANBU_GATEWAY_NAME", "ANBU_GATEWAY_SECRET", "ANBU_WORKER_TOKEN"},
          "worker": {"ANBU_KAFKA", "ANBU_MONGODB", "ANBU_KEK", "ANBU_WORKER_TOKEN"},
          "web": {"ANBU_KAFKA", "ANBU_MONGODB", "ANBU_WEB_TOKEN", "ANBU_WORKER_TOKEN"}}


class Loader(yaml.SafeLoader):  # type: ignore[misc]  # it has no annotations
    """Reads a template; of CloudFormation's own tags only that they are there."""


def tagged(loader: Any, tag: str, node: Any) -> Any:
    """What holds if a condition does; of any other tag its name."""
    return loader.construct_sequence(node, deep=True)[1] if tag == "If" else tag


Loader.add_multi_constructor("!", tagged)


def template(name: str) -> dict[str, Any]:
    found = yaml.load((ROOT / "deploy/aws" / name).read_text(encoding="utf-8"), Loader)  # noqa: S506 - a SafeLoader
    resources: dict[str, Any] = found["Resources"]
    return resources


def of_compose(process: str) -> set[str]:
    return set(COMPOSE["services"][process]["environment"])


def of_ecs(process: str) -> set[str]:
    (container,) = template("ecs.yaml")[f"{process.capitalize()}Task"]["Properties"]["ContainerDefinitions"]
    return {one["Name"] for one in container["Environment"] + container["Secrets"]}


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("where", [of_compose, of_ecs])
def test_the_settings_of_a_process_are_known_and_complete(where: Any, process: str) -> None:
    given = where(process)
    assert given <= KNOWN | OF_UVICORN_AND_PYTHON
    assert NEEDED[process] <= {name.removesuffix("_FILE") for name in given}


def test_the_worker_has_the_settings_to_notify_people() -> None:
    assert {"ANBU_ROUTES_FILE", "ANBU_PUBLIC_URL", "ANBU_DEADMAN_URL"} <= of_compose("worker")
    assert {"ANBU_ROUTES", "ANBU_PUBLIC_URL", "ANBU_DEADMAN_URL"} <= of_ecs("worker")
    assert "outside" in COMPOSE["services"]["worker"]["networks"]


def test_the_container_for_commands_can_try_a_channel() -> None:
    """`docker compose run --rm anbu notify test team`, as the runbooks say: the same routes, and a way out."""
    worker, commands = COMPOSE["services"]["worker"], COMPOSE["services"]["anbu"]
    for name in ("ANBU_ROUTES_FILE", "ANBU_PUBLIC_URL"):
        assert commands["environment"][name] == worker["environment"][name]
    assert "outside" in commands["networks"]


def test_the_handbook_names_files_that_are_mounted() -> None:
    text = (ROOT / "docs/notify.md").read_text(encoding="utf-8") + (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"/run/\w+(?=/)", text))
    volumes = [one.split(":")[1] for one in COMPOSE["services"]["worker"]["volumes"]]
    assert named == {"/run/routes"}
    assert named <= set(volumes)


def test_tasks_reach_what_the_routes_name() -> None:
    """Kannel, and providers on ports of their own: by a parameter, which is off unless it is given."""
    assert template("ecs.yaml")["NotifyEgress"]["Condition"] == "TellsByAnotherPort"


def allowed(role: str) -> set[str]:
    (policy,) = template("pipeline.yaml")[role]["Properties"]["Policies"]
    return {action for one in policy["PolicyDocument"]["Statement"] for action in
            ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])}


@pytest.mark.parametrize("role", ["DeployRole", "StackRole"])
def test_cloudformation_may_look_at_what_the_parameters_name(role: str) -> None:
    """It asks for VPC and subnets at every update, also where they stay."""
    assert {"ec2:DescribeVpcs", "ec2:DescribeSubnets"} <= allowed(role)


def test_cloudformation_may_do_what_its_handlers_need() -> None:
    """By the published schemas of the types: AWS::ECS::TaskDefinition, which is always replaced, and an update of
    AWS::ECS::Service."""
    task_definition = {"ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition",
                       "ecs:TagResource", "iam:GetRole", "iam:PassRole"}
    service = {"ecs:DescribeServiceDeployments", "ecs:DescribeServices", "ecs:ListServiceDeployments",
               "ecs:ListTagsForResource", "ecs:StopServiceDeployment", "ecs:TagResource", "ecs:UntagResource",
               "ecs:UpdateService"}
    assert task_definition | service <= allowed("StackRole")


def test_only_the_worker_has_the_keys() -> None:
    for process in ("gateway", "web"):
        for where in (of_compose, of_ecs):
            assert not {name for name in where(process) if name.startswith("ANBU_KEK")}


def test_app_runner_has_the_same_settings() -> None:
    for name in ("Gateway", "Page"):
        image = template("apprunner.yaml")[name]["Properties"]["SourceConfiguration"]["ImageRepository"]
        given = image["ImageConfiguration"]
        names = {one["Name"] for one in given["RuntimeEnvironmentVariables"] + given["RuntimeEnvironmentSecrets"]}
        assert names <= KNOWN | OF_UVICORN_AND_PYTHON
        assert NEEDED["gateway" if name == "Gateway" else "web"] <= names
        assert {"ANBU_PARTITIONS", "ANBU_REPLICATION"} <= names  # whoever starts first makes the topics


@pytest.mark.parametrize("process", PROCESSES)
def test_compose_and_aws_have_the_same_health_check(process: str) -> None:
    (container,) = template("ecs.yaml")[f"{process.capitalize()}Task"]["Properties"]["ContainerDefinitions"]
    check = ["CMD", "python", "-I", "-m", "cli.health", process]
    assert COMPOSE["services"][process]["healthcheck"]["test"] == check == container["HealthCheck"]["Command"]
    assert COMPOSE["services"][process]["command"] == container["Command"] == [process]
    assert container["ReadonlyRootFilesystem"] is COMPOSE["services"][process]["read_only"] is True
    assert container["User"] == "10001:10001"
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_service_has_limits_and_bounded_logs() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}, name
        assert service["logging"]["options"]["max-size"], name
        if "build" in service and name != "simulator":
            assert set(service["depends_on"]) == {"kafka", "mongo"}, name


def test_compose_publishes_ports_on_loopback_only() -> None:
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert len(published) == 4
    assert all(port.startswith("127.0.0.1:") for port in published)
    inside = COMPOSE["networks"]["inside"]
    assert inside == {"internal": True}
    assert all(COMPOSE["services"][name]["networks"] == ["inside"] for name in ("kafka", "mongo"))


def test_operators_reach_prometheus_and_prometheus_reaches_an_alertmanager() -> None:
    """docs/operate.md sends people to this page, and has them name an Alertmanager, which is hardly on this network."""
    prometheus = COMPOSE["services"]["prometheus"]
    assert prometheus["networks"] == ["inside", "outside"]
    assert [port.rsplit(":", 1)[1] for port in prometheus["ports"]] == ["9090"]


def test_the_example_names_what_compose_reads() -> None:
    read = set(re.findall(r"\$\{(\w+):-", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    example = set(re.findall(r"^#?(ANBU_\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert read - example == {"ANBU_REVISION"}  # the pipeline's
    assert example <= read


def test_workers_of_several_machines_reach_each_other() -> None:
    """Each answers for people whose lane another has; the port is open among tasks alone."""
    resources = template("ecs.yaml")
    (container,) = resources["WorkerTask"]["Properties"]["ContainerDefinitions"]
    assert {"Name": "ANBU_WORKER_HOST", "Value": "0.0.0.0"} in container["Environment"]
    rule = resources["WorkersIngress"]["Properties"]
    assert rule["GroupId"] == rule["SourceSecurityGroupId"]
    for one in (rule, resources["TaskGroup"]["Properties"]["SecurityGroupEgress"][-1]):
        assert one["FromPort"] <= 6066 <= one["ToPort"]
