"""The core says what a naive second implementation of the rules says (`naive.oracle`), on made-up, nasty days.

ANBU_NAIVE_SEEDS: how many days (default 100); ANBU_NAIVE_FIRST: the first seed; ANBU_NAIVE_EVENTS: the lines of a day.
"""

import os

import pytest
from naive.days import made_up
from naive.differ import differing
from naive.shrink import smaller, story

FIRST = int(os.environ.get("ANBU_NAIVE_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("ANBU_NAIVE_SEEDS", "100")))
EVENTS = int(os.environ.get("ANBU_NAIVE_EVENTS", "60"))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_core_and_the_naive_implementation_agree(seed: int) -> None:
    lines = made_up(seed, EVENTS)
    if differing(lines):
        small = smaller(lines, lambda some: bool(differing(some)))
        pytest.fail(f"{story(small)}\n\nexpected: of the oracle; got: of the core\n" + "\n".join(differing(small)))
