"""docs/engine.md names only tests and crash points that exist, each point in order, and a test for each case."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
CRASH_POINTS = (ROOT / "tests/kafka/test_crash_points.py").read_text(encoding="utf-8")
CASES = re.findall(r"^### ([^\n]+)\n\n(.*?)(?=\n##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
DEATHS = re.findall(r"^### [^\n]+: `(\w+)`\n\n(.*?)(?=\n##)", TEXT, re.MULTILINE | re.DOTALL)


def test_every_test_that_is_named_exists() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)(?:\[…\])?`", TEXT))
    assert len(named) > 30
    assert [name for name in named if f"def {name}(" not in tests] == []
    assert [path for path in re.findall(r"`(tests/[\w/.]+)`", TEXT) if not (ROOT / path).exists()] == []


def test_every_heading_of_a_case_has_text_below_it() -> None:
    assert len(CASES) == TEXT.count("\n### ") > 40


@pytest.mark.parametrize(("heading", "body"), CASES, ids=[heading for heading, _ in CASES])
def test_each_case_says_what_happens_and_names_its_test(heading: str, body: str) -> None:
    said, *named = re.split(r"\bTests?:\s", body)
    assert len(named) == 1, heading
    assert re.search(r"\w+ \w+ \w+.*\.\s*$", said, re.DOTALL), heading
    assert re.search(r"`(test_\w+(\[…\])?|tests/[\w/.]+)`", named[0]), heading


def test_every_point_of_a_batch_has_its_case() -> None:
    points = re.search(r"POINTS = \((.*)\)", CRASH_POINTS)
    assert points is not None
    assert [point for point, _ in DEATHS] == re.findall(r'"(\w+)"', points[1])
    for point, body in DEATHS:
        assert body.startswith("The successor finds "), point
        assert "`test_killed_at[…]`" in body, point


def test_the_page_names_the_points_at_which_a_worker_is_frozen() -> None:
    """Workers are frozen at fewer points than they are killed at; the page has to say so."""
    points = re.search(r'parametrize\("point", \[(.*)\]\)\nasync def test_frozen_at', CRASH_POINTS)
    named = re.search(r"At\s+three\s+points,(.*?),\s+a\s+worker\s+also\s+stands\s+still", TEXT, re.DOTALL)
    assert points is not None
    assert named is not None
    frozen = re.findall(r'"(\w+)"', points[1])
    assert re.findall(r"`(\w+)`", named[1]) == frozen
    assert [point for point, body in DEATHS if "`test_frozen_at[…]`" in body] == frozen


def test_every_link_leads_to_a_heading_or_a_file() -> None:
    anchors = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")
               for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        else:
            assert (ROOT / "docs" / target.split("#")[0]).exists(), target
