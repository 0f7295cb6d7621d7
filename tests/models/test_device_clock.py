"""A report with a wrong clock is accepted, and marked."""

import json

import pytest
from support.story import Stage


@pytest.mark.parametrize(("clock", "flags", "evidence"), [
    ("clockless", ["awake", "clock"], "clock unknown"),
    ("device 23 06:59:59", ["awake", "clock"], None),  # the report may be merely old
    ("device 23 07:00", ["awake"], None),
    ("device 25 07:00", ["awake"], None),
    ("device 25 07:00:01", ["awake", "clock"], "clock 2026-11-24T22:00:01Z"),
])
def test_a_clock_more_than_a_day_off_is_flagged(clock: str, flags: list[str], evidence: str | None) -> None:
    """Receiving rule 5; rule 3: such a report counts for the window that it names; rule 13: an alert on a wrong one."""
    stage = Stage()
    stage.play("registry 1")
    report, check_in, *alerts = (json.loads(one.value or b"")
                                 for one in stage.outputs(f"24 07:00 report 1 awake for 24-morning {clock}"))
    assert (report["flags"], report["late"]) == (flags, False)
    assert (check_in["window"], check_in["result"]) == ("2026-11-24:morning", "awake")
    assert [alert["data"]["cause"]["evidence"] for alert in alerts] == ([] if evidence is None else [[evidence]])


def test_a_clock_that_no_device_can_have_gets_an_alert_and_counts_by_the_arrival() -> None:
    """Rules 3 and 13: the window that the report names was computed from the wrong clock."""
    stage = Stage()
    stage.play("registry 1")
    report, check_in, alert = (json.loads(one.value or b"") for one in stage.outputs(
        "24 07:00 report 1 awake clock 2024-12-31T23:59:59Z for 23-morning"))
    assert (report["flags"], check_in["window"]) == (["awake", "clock"], "2026-11-24:morning")
    assert alert["data"]["cause"]["evidence"] == ["clock 2024-12-31T23:59:59Z"]
