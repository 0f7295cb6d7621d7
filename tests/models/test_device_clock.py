"""A report with a wrong clock is accepted, and marked."""

import json

import pytest
from support.story import Stage


@pytest.mark.parametrize(("clock", "flags"), [
    ("clockless", ["awake", "clock"]),
    ("device 23 06:59:59", ["awake", "clock"]),
    ("device 23 07:00", ["awake"]),
    ("device 25 07:00", ["awake"]),
    ("device 25 07:00:01", ["awake", "clock"]),
])
def test_a_clock_more_than_a_day_off_is_flagged(clock: str, flags: list[str]) -> None:
    """Receiving rule 5; and rule 3: such a report counts for the window that it names."""
    stage = Stage()
    stage.play("registry 1")
    report, check_in = (json.loads(one.value or b"")
                        for one in stage.outputs(f"24 07:00 report 1 awake for 24-morning {clock}"))
    assert (report["flags"], report["late"]) == (flags, False)
    assert (check_in["window"], check_in["result"]) == ("2026-11-24:morning", "awake")
