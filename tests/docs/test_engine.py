"""docs/engine.md names tests and points that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_is_there() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)(?:\[…\])?`", TEXT))
    assert len(named) > 8
    assert [name for name in named if f"def {name}(" not in tests] == []
    assert [path for path in re.findall(r"`(tests/[\w/.]+)`", TEXT) if not (ROOT / path).exists()] == []


def test_every_point_of_a_batch_has_its_line() -> None:
    points = re.search(r"POINTS = \((.*)\)", (ROOT / "tests/kafka/test_crash_points.py").read_text(encoding="utf-8"))
    assert points is not None
    assert re.findall(r"\| `((?!test_)\w+)` \|\n", TEXT) == re.findall(r'"(\w+)"', points[1])
