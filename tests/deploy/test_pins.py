"""Nothing is fetched by a name that somebody else can move: images by digest, actions by commit, packages by hash.

That a digest or a commit is the right one no test here can know; that there is one, and that its version stands beside
it for a reader, it can.
"""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED_ACTION = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
PINNED_IMAGE = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_hash(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert used
    for one in used:
        assert one.startswith("./.github/workflows/") or PINNED_ACTION.fullmatch(one), one


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_read_rights_only_and_pass_no_event_text_to_a_shell(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        for right, level in job["permissions"].items():
            assert level == "read" or right == "id-token", (name, right)
        for step in job.get("steps", ()):
            assert "${{" not in step.get("run", ""), "what an event says has no way into a shell: use env"
            assert "checkout" not in step.get("uses", "") or step["with"]["persist-credentials"] is False


def test_a_started_deployment_is_not_cancelled_and_slack_is_notified() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/deliver.yml").read_text(encoding="utf-8"))
    assert workflow["concurrency"] == {"group": "production", "cancel-in-progress": False}
    jobs = workflow["jobs"]
    assert jobs["slack"]["needs"] == [name for name in jobs if name != "slack"]
    assert jobs["slack"]["if"].startswith("always()")
    assert "digest" in workflow[True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads `on` as true


def test_the_workflow_runs_only_programs_that_exist() -> None:
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for command in (step["run"] for step in job.get("steps", ()) if "run" in step):
                words = command.split()
                program = words[1] if words[0] == "bash" else words[0]
                assert (ROOT / program).is_file() or program == ".venv-release/bin/python", command
                if "deploy.release" in words:
                    assert f'command("{words[words.index("deploy.release") + 1]}"' in (
                        ROOT / "deploy/release/__main__.py").read_text(encoding="utf-8")


def test_images_are_pinned_by_digest() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    foreign = {one["image"] for one in services.values() if not one["image"].startswith("${ANBU_IMAGE")}
    bases = set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)) - {"base"}
    assert len(foreign) == 4
    assert len(bases) == 1
    for image in foreign | bases:
        assert PINNED_IMAGE.fullmatch(image), image


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_packages_are_pinned_by_hash(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text, "a registry's address"
    for one in re.split(r"\n(?=\S)", text.strip()):
        if not one.startswith("#"):
            assert re.match(r"[\w.\[\],-]+==\S+ \\\n", one), one[:80]
            assert "--hash=sha256:" in one, one[:80]


def test_the_pipeline_installs_what_the_tests_were_run_with() -> None:
    """requirements/release.txt is a part of requirements/deploy.txt, to the version."""
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / name).read_text(encoding="utf-8"), re.MULTILINE))

    assert versions("release.txt") <= versions("deploy.txt")
