"""The core says what a naive second implementation of the rules says (`naive.oracle`), on made-up, nasty days.

ANBU_NAIVE_SEEDS: how many days (default 200); ANBU_NAIVE_FIRST: the first seed; ANBU_NAIVE_EVENTS: the lines of a day.
"""

import os

import pytest
from naive.days import made_up
from naive.devices import KEKS
from naive.oracle import replay as replay_of_the_oracle
from naive.records import Json
from naive.shrink import smaller, story
from support.compare import differences
from support.vectors import replay as replay_of_the_core

from models.wire.keys import KeyRing

FIRST = int(os.environ.get("ANBU_NAIVE_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("ANBU_NAIVE_SEEDS", "200")))
EVENTS = int(os.environ.get("ANBU_NAIVE_EVENTS", "60"))


def differing(lines: list[Json]) -> list[str]:
    """The differences of the core and the naive implementation, by alert and window. Empty: none."""
    return differences(replay_of_the_oracle(lines, KEKS), replay_of_the_core(lines, KeyRing(KEKS)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_core_and_the_naive_implementation_agree(seed: int) -> None:
    lines = made_up(seed, EVENTS)
    if differing(lines):
        small = smaller(lines, lambda some: bool(differing(some)))
        pytest.fail(f"{story(small)}\n\nexpected: of the oracle; got: of the core\n" + "\n".join(differing(small)))
