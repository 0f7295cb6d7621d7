"""docs/rules.md and docs/wire-format.md have each rule that code and tests cite; a test cites each of their rules.

A citation is "rule" or "rules" and numbers, joined by commas, `and`, `or`, or by `to` for those between as well. With
"receiving" before it, it is of docs/wire-format.md. The index of docs/rules.md names files and tests that exist.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from models.errors import RejectReason

ROOT = Path(__file__).parents[2]
RULES, WIRE = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("rules.md", "wire-format.md"))
BUILT = {"node_modules", "build", "dist", "secrets", "files"}
SUFFIXES = {".py", ".md", ".txt", ".html", ".js", ".toml", ".yml", ".yaml", ".sh"}
CITED = re.compile(r"\b(receiving )?rules? (\d+\b(?:(?:, | and | or | to )\d+\b)*)", re.IGNORECASE)
HEADING = re.compile(r"^### (Receiving rule|Rule) (\d+): \S.*$", re.MULTILINE)

Rule = tuple[bool, int]  # whether it is a receiving rule, and its number


def headings(page: str) -> list[Rule]:
    return [(match[1] == "Receiving rule", int(match[2])) for match in HEADING.finditer(page)]


def citations(text: str) -> Iterator[Rule]:
    for match in CITED.finditer(re.sub(r"\s*\n[\s#]*", " ", text)):
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", match[2]):
            for number in range(int(first), int(last or first) + 1):
                yield match[1] is not None, number


def files() -> Iterator[Path]:
    """All texts of the repository but this one; not those that were installed or built."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in BUILT]
        for path in (Path(folder, name) for name in names):
            if path.suffix in SUFFIXES and path != Path(__file__):
                yield path


def is_a_test(path: Path) -> bool:
    """Whether a file is run as a test: `support` and the naive implementation are none by themselves."""
    return path.is_relative_to(ROOT / "tests") and (path.name.startswith("test_") or path.parent.name == "stories")


CITATIONS = {path: set(citations(path.read_text(encoding="utf-8"))) for path in files()}
HEADINGS = [*headings(RULES), *headings(WIRE)]


def named(rule: Rule) -> str:
    return f"{'receiving ' if rule[0] else ''}rule {rule[1]}"


@pytest.mark.parametrize(("text", "expected"), [
    ("Rule 3: late", [(False, 3)]),
    ("by rules 8 and 16", [(False, 8), (False, 16)]),
    ("rules 5, 8 and\n# 18 to 20", [(False, 5), (False, 8), (False, 18), (False, 19), (False, 20)]),
    ("the wire format's receiving rule 2, or rule 17", [(True, 2), (False, 17)]),
    ("rule 4. The 5 best, rules and 6, a ruler 7", [(False, 4)]),
])
def test_a_citation_is_found(text: str, expected: list[Rule]) -> None:
    assert list(citations(text)) == expected


def test_the_rules_are_numbered_without_gaps() -> None:
    assert sorted(headings(RULES)) == [(False, number) for number in range(1, 30)]
    assert headings(WIRE) == [(True, number) for number in range(1, 7)]


def test_each_rule_that_is_cited_is_on_its_page() -> None:
    missing = {f"{path.relative_to(ROOT)}: {named(rule)}"
               for path, cited in CITATIONS.items() for rule in cited if rule not in HEADINGS}
    assert not missing


@pytest.mark.parametrize("rule", HEADINGS, ids=named)
def test_each_rule_is_cited_by_a_test(rule: Rule) -> None:
    assert any(rule in cited for path, cited in CITATIONS.items() if is_a_test(path))


@pytest.mark.parametrize("page", [RULES, WIRE], ids=["rules.md", "wire-format.md"])
def test_each_rule_has_an_example(page: str) -> None:
    for rule in re.split(r"^#{2,3} ", page, flags=re.MULTILINE):
        if re.match(r"(Receiving rule|Rule) \d", rule):
            assert len(re.findall(r"^Example: ", rule, re.MULTILINE)) == 1, rule


BEHAVIOURS = [re.split(r" ?\| ?", line)[1:-1] for line in RULES.split("\n## Where do I find …\n")[1].split("\n## ")[0]
              .splitlines() if line.startswith("| ")][2:]
ANCHORS = {f"{page}#{re.sub(r'[^a-z0-9 -]', '', title.lower()).replace(' ', '-')}"
           for page, text in (("", RULES), ("wire-format.md", WIRE))
           for title in re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE)}


def test_the_index_has_each_behaviour_once() -> None:
    names = [behaviour for behaviour, *_ in BEHAVIOURS]
    assert len(set(names)) == len(names) > 15


@pytest.mark.parametrize(("rules", "code", "test"), [row[1:] for row in BEHAVIOURS],
                         ids=[behaviour for behaviour, *_ in BEHAVIOURS])
def test_the_index_names_files_that_exist_and_a_test_that_cites_a_rule(rules: str, code: str, test: str) -> None:
    links = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", rules)
    assert [target for _, target in links if target not in ANCHORS] == []
    paths = [ROOT / name.strip("`") for name in (code, test)]
    assert [path for path in paths if not path.is_file()] == []
    assert paths[0].is_relative_to(ROOT / "models")
    assert is_a_test(paths[1])
    assert {rule for name, _ in links for rule in citations(name)} & CITATIONS[paths[1]]


def test_the_worked_frame_is_the_first_vector() -> None:
    vector = orjson.loads((ROOT / "tests" / "vectors" / "frames.jsonl").read_bytes().splitlines()[0])
    steps = dict(re.findall(r"^\| ([^|`]+) \| `([^`|]+)` \|$", section("A worked frame"), re.MULTILINE))
    assert {name: steps[name] for name in ("device key", "message key", "nonce", "plaintext", "frame")} == {
        "device key": vector["device_key"], "message key": vector["message_key"], "nonce": vector["nonce"],
        "plaintext": vector["plaintext"], "frame": vector["frame"]}
    assert steps["text of the SMS"] == vector["text"]
    assert steps["header = associated data"] == vector["frame"][:16]
    place = vector["subject"].to_bytes(4) + vector["slot"].to_bytes(1) + vector["epoch"].to_bytes(3)
    assert bytes.fromhex(steps["info of the key derivation"]) == b"anbu wire 1" + place


@pytest.mark.parametrize(("title", "octets"), [("Frame", 56), ("Plaintext of type 1, a status report", 40)])
def test_a_layout_has_each_octet_once(title: str, octets: int) -> None:
    rows = re.findall(r"^\| (\d+)(?:-(\d+))? \|", section(title), re.MULTILINE)
    assert [octet for first, last in rows for octet in range(int(first), int(last or first) + 1)] == list(range(octets))


def test_the_reasons_of_quarantine_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", section("Receiving rules"), re.MULTILINE)
    assert rows == [str(reason) for reason in RejectReason]


def section(title: str) -> str:
    """What stands under a heading of docs/wire-format.md."""
    return WIRE.split(f"\n## {title}\n")[1].split("\n## ")[0]
