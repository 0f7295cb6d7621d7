"""Rules and dashboard use only what the catalogue has; each rule has a runbook whose commands exist."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import promql_parser
import pytest
import yaml

from cli.main import main
from runtime.metrics import CATALOGUE
from runtime.settings import AGENTS

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = [rule for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"]
         for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/anbu.json").read_text(encoding="utf-8"))
PANELS = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
RUNBOOKS = ROOT / "docs" / "runbooks"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OF_PROMETHEUS: dict[str, set[str]] = {"up": set(), "ALERTS": set()}
EVERYWHERE = {"job", "instance", "agent"}  # put on by deploy/prometheus/prometheus.yml


def ours() -> list[tuple[str, Any]]:
    """Each metric of the catalogue, with its process; the library tells names and labels by private fields alone."""
    return [(process, collector) for process, registry in CATALOGUE.items()
            for collector in registry._collector_to_names if getattr(collector, "_name", "").startswith("anbu_")]


def catalogue() -> dict[str, set[str]]:
    """Every name that may be asked for, with its labels."""
    found: dict[str, set[str]] = dict(OF_PROMETHEUS)
    for _, metric in ours():
        name, labels = metric._name, set(metric._labelnames)
        if metric._type == "counter":
            found[f"{name}_total"] = labels
        elif metric._type == "histogram":
            found |= {f"{name}_{part}": labels | {"le"} for part in ("bucket", "sum", "count")}
        else:
            found[name] = labels
    # The figures of a process are only known to a running one.
    return found | {"process_start_time_seconds": set(), "process_resident_memory_bytes": set()}


def selectors(node: Any) -> list[Any]:
    """All that an expression asks for."""
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    parts = [getattr(node, name) for name in ("lhs", "rhs", "expr", "vs", "vector_selector", "param")
             if getattr(node, name, None) is not None]
    if isinstance(node, promql_parser.Call):
        parts += list(node.args)
    return [one for part in parts for one in selectors(part)]


def names(expression: str) -> set[tuple[str, str | None]]:
    """(metric, label) for each that an expression asks for; None: without a label."""
    found: set[tuple[str, str | None]] = set()
    for one in selectors(promql_parser.parse(expression)):
        found.add((one.name, None))
        found |= {(one.name, matcher.name) for matcher in one.matchers.matchers if matcher.name != "__name__"}
    assert found, expression
    return found


EXPRESSIONS = [*((rule["alert"], rule["expr"]) for rule in RULES), *PANELS]


@pytest.mark.parametrize("expression", [one for _, one in EXPRESSIONS], ids=[f"{i}-{one[0]}" for i, one in
                                                                             enumerate(EXPRESSIONS)])
def test_an_expression_uses_only_metrics_of_the_catalogue(expression: str) -> None:
    known = catalogue()
    for metric, label in names(expression):
        assert metric in known, metric
        assert label is None or label in known[metric] | EVERYWHERE, (metric, label)


def test_an_unknown_metric_is_found() -> None:
    assert names('sum(rate(anbu_nothing_total{kind="sos"}[5m])) / anbu_lag') == {
        ("anbu_nothing_total", None), ("anbu_nothing_total", "kind"), ("anbu_lag", None)}
    assert "anbu_nothing_total" not in catalogue()


def test_every_metric_is_on_the_dashboard_or_in_a_rule() -> None:
    used = {metric for _, expression in EXPRESSIONS for metric, _ in names(expression)}
    known = {re.sub(r"_(bucket|sum|count)$", "", name) for name in catalogue() if name.startswith("anbu_")}
    assert known - {re.sub(r"_(bucket|sum|count)$", "", name) for name in used} == set()


def test_the_metrics_of_the_handbook_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(anbu_\w+)` \|([^|]*)\|([^|]*)\|([^|]*)\|$",
                      (ROOT / "docs/operate.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = {(name, process.strip(), labels.strip(), text.strip()) for name, process, labels, text in rows}
    assert told == {(one._name + ("_total" if one._type == "counter" else ""), process, ", ".join(one._labelnames),
                     one._documentation) for process, one in ours()}


def test_prometheus_asks_every_process_and_every_agent() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    asked = {target for job in jobs for group in job["static_configs"] for target in group["targets"]}
    assert asked == {"gateway:8800", "web:8080", *(f"worker:{6066 + i}" for i in range(len(AGENTS)))}
    for target in asked:
        assert target.split(":")[0] in COMPOSE["services"]


def test_each_rule_has_a_runbook_and_a_test() -> None:
    alerts = {rule["alert"] for rule in RULES}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == alerts
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/runbooks/{rule['alert']}.md"
        assert rule["labels"]["severity"] in ("page", "ticket")
    tested = set(re.findall(r'alertname="(\w+)"', (PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8")))
    assert tested == alerts


def check_anbu(words: list[str]) -> None:
    """The command is there, with every option that is named."""
    command: click.Command = main
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
    options = {option for parameter in command.params for option in parameter.opts}
    for word in words:
        assert not word.startswith("-") or word.split("=")[0] in options, word


def check(line: str) -> None:
    words = shlex.split(re.sub(r"^docker compose --profile (\w+)", "docker compose", line))
    if words[0] == "anbu":
        check_anbu(words[1:])
    elif words[:2] == ["docker", "compose"]:
        arguments = [word for word in words[3:] if not word.startswith("-") and not re.fullmatch(r"\d+[mh]", word)]
        if words[2] in ("exec", "run"):
            assert arguments[0] in COMPOSE["services"], line
            if words[2] == "run":
                check_anbu(words[words.index(arguments[0]) + 1:])
            elif arguments[1] == "anbu":
                check_anbu(words[words.index("anbu") + 1:])
        else:
            assert words[2] in ("ps", "logs", "up", "restart", "stop", "pull", "build", "down"), line
            assert set(arguments) <= COMPOSE["services"].keys(), line
    elif words[:3] == ["aws", "cloudformation", "deploy"]:
        template = (ROOT / words[words.index("--template-file") + 1]).read_text(encoding="utf-8")
        for name in re.findall(r" (\w+)=", line):
            assert re.search(rf"^  {name}:", template, re.MULTILINE), name
    else:
        others = (["docker", "stats"], ["mkdir", "files"], ["mv", "-f"], ["install", "-m"], ["aws", "cloudformation"])
        assert words[:2] in others or (ROOT / words[1]).is_file(), line


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_a_runbook_has_its_sections(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.stem}\n")
    assert "\n## Diagnose\n" in text
    assert "\n## Fix\n" in text
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert blocks
    for line in "".join(blocks).splitlines():
        assert line.startswith("$ "), line
        check(line[2:])
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (path.parent / target).exists(), target


def test_the_handbook_names_only_commands_that_exist() -> None:
    text = (ROOT / "docs/operate.md").read_text(encoding="utf-8").replace(" \\\n    ", " ")
    lines = [line for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert len(lines) > 10
    for line in lines:
        assert line.startswith("$ "), line
        check(line[2:].split(" > ")[0])


PAGES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md",
         *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))))


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_sentences_exist(page: str) -> None:
    """`anbu report person|weeks` names two commands; what is in brackets may be left out."""
    for words in re.findall(r"`anbu ([a-z][^`]*)`", (ROOT / page).read_text(encoding="utf-8")):
        first, *rest = re.sub(r"[\[\]…]", "", words).split()
        for second in rest[0].split("|") if rest else ():
            check_anbu([first, second, *rest[1:]])
        if not rest:
            check_anbu([first])


@pytest.mark.parametrize("line", ["anbu danse", "anbu health worker --tidy", "docker compose restart broker",
                                  "docker compose run --rm anbu quarantine list --everything", "docker compose fly",
                                  "aws cloudformation deploy --template-file deploy/aws/ecs.yaml Digest=y"])
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        check(line)
