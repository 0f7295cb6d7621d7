"""The benchmark of records in small, and that a wrong result has no figures."""

import pytest
from support.database import database_server

from agents.record import RecordAgent
from bench.figures import WrongResultError
from bench.records import records

__all__ = ["database_server"]


def test_it_writes_asks_and_weighs(database_server: str) -> None:
    found = {one.figure: one for one in records(database_server, 10, 0.04, 1)}
    assert found["ratio_to_raw"].aim == 0.7
    assert all(one.value > 0 for one in found.values())
    assert {one.aim for name, one in found.items() if name.startswith("person_") and "p99" in name} == {50}
    assert {one.aim for name, one in found.items() if name.startswith("site_") and "p99" in name} == {200}


def test_what_was_not_written_has_no_speed(database_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lazy(*_: object) -> None:
        """It writes nothing."""

    monkeypatch.setattr(RecordAgent, "handle", lazy)
    with pytest.raises(WrongResultError, match="check-ins are missing"):
        records(database_server, 10, 0.04, 1)
