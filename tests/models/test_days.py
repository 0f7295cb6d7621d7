"""The core answers made-up days to the octet as it did when it was last meant to answer otherwise (tests/states/days).

ANBU_DAYS: how many of the sixty days, of 1,600 records each, are folded (default 3). Where the rules change, the file is
written anew, by the tree in which they changed and nothing else: `naive.digests` says how.
"""

import os
from pathlib import Path

import orjson
import pytest
from naive.digests import digests

DAYS = [orjson.loads(line) for line in (Path(__file__).parents[1] / "states" / "days.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize("day", DAYS[:int(os.environ.get("ANBU_DAYS", "3"))], ids=lambda day: day["seed"])
def test_a_day_is_answered_as_before(day: dict[str, object]) -> None:
    """The first digest that differs tells between which hundreds of records to look."""
    assert digests(int(str(day["seed"]))) == day["digests"]
