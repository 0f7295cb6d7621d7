"""The core answers made-up days as it did when it was last meant to answer otherwise, to the octet.

tests/states/days.jsonl has the digests of that tree. ANBU_DAYS: how many of its sixty days, of 1,600 records each, are
folded (default 2). Where the rules change, `naive.digests` writes it again, in the commit that changes them.
"""

import os
from pathlib import Path

import orjson
import pytest
from naive.digests import digests

DAYS = [orjson.loads(line) for line in (Path(__file__).parents[1] / "states" / "days.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize("day", DAYS[:int(os.environ.get("ANBU_DAYS", "2"))], ids=lambda day: day["seed"])
def test_a_day_is_answered_as_before(day: dict[str, object]) -> None:
    """The first digest that differs tells between which hundreds of records to look."""
    assert digests(int(str(day["seed"]))) == day["digests"]
