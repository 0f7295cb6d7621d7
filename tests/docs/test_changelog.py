"""CHANGELOG.md keeps its form, and its newest version is that of the package."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
HEADINGS = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)


def test_the_newest_version_is_that_of_the_package() -> None:
    unreleased, newest, *_ = HEADINGS
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert unreleased == "Unreleased"
    assert re.fullmatch(rf"{re.escape(package['version'])} - \d{{4}}-\d\d-\d\d", newest)


def test_every_entry_has_a_kind_and_a_component() -> None:
    assert set(re.findall(r"^### (.+)$", TEXT, re.MULTILINE)) <= set(KINDS)
    entries = re.findall(r"^- .*$", TEXT, re.MULTILINE)
    assert [one for one in entries if re.match(r"- \*\*[\w -]+\*\*: \S", one) is None] == []


def test_the_first_version_fixes_nothing() -> None:
    """No user had the faults of a version that was not released."""
    first = TEXT[TEXT.index("## 0.1.0"):]
    assert re.findall(r"^### (.+)$", first, re.MULTILINE) == ["Added"]
