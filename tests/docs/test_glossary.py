"""docs/glossary.md lists each term once, in alphabetical order, with a meaning of one or two sentences."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
ROWS = [re.split(r" ?\| ?", line)[1:-1] for line in LINES if line.startswith("| **")]
TERMS = [row[0].strip("*").lower() for row in ROWS]


def test_each_term_appears_once_in_alphabetical_order() -> None:
    assert len(TERMS) > 35
    assert sorted(set(TERMS)) == TERMS


def test_every_word_has_a_meaning_the_fields_word_and_a_place() -> None:
    assert [row for row in ROWS if len(row) != 4 or not all(row)] == []
    assert [row[0] for row in ROWS if not re.fullmatch(r"[^.]+\.(?: [^.]+\.)?", row[1])] == []


def test_no_line_is_too_long() -> None:
    assert [line for line in LINES if len(line) > (250 if line.startswith("|") else 120)] == []


def test_every_place_exists() -> None:
    places = [place for row in ROWS for place in re.findall(r"`([^`]+)`", row[3])]
    assert [place for place in places if not (ROOT / place).exists()] == []
