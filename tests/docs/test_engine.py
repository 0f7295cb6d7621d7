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


def test_the_points_at_which_a_worker_is_frozen_are_named() -> None:
    """Fewer than those at which one is killed; a reader is not to think otherwise."""
    tests = (ROOT / "tests/kafka/test_crash_points.py").read_text(encoding="utf-8")
    points = re.search(r'parametrize\("point", \[(.*)\]\)\nasync def test_frozen_at', tests)
    told = re.search(r"At three of them, (.*), a worker also\s+stands still", TEXT)
    assert points is not None
    assert told is not None
    assert re.findall(r"`(\w+)`", told[1]) == re.findall(r'"(\w+)"', points[1])
