"""The core gives the outputs of the recorded days of an independent implementation."""

import pytest
from support.compare import differences
from support.vectors import SCENARIOS, VECTORS, key_ring, read_lines, replay


def test_the_number_of_scenarios_is_known() -> None:
    assert len(SCENARIOS) == 26


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_core_answers_a_scenario_as_written(name: str) -> None:
    lines = read_lines(VECTORS / "scenarios" / f"{name}.in.jsonl")
    expected = read_lines(VECTORS / "scenarios" / f"{name}.out.jsonl")
    assert differences(expected, replay(lines, key_ring())) == []
