"""The benchmark of records in small, and that a wrong result has no figures."""

from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from pymongo import MongoClient
from support.database import database_server

from agents.record import RecordAgent
from bench.figures import WrongResultError
from bench.records import records
from cli.main import main
from local.mongodb import program

__all__ = ["database_server"]


def names(url: str) -> set[str]:
    with closing(MongoClient[dict[str, object]](url)) as client:
        return set(client.list_database_names())


def test_the_benchmark_of_records_leaves_no_database_behind(database_server: str) -> None:
    before = names(database_server)
    found = {one.figure: one for one in records(f"{database_server}?appName=bench", 10, 0.04, 1)}
    assert names(database_server) == before
    assert found["ratio_to_raw"].aim == 0.7
    assert all(one.value > 0 for one in found.values())
    assert {one.aim for name, one in found.items() if name.startswith("person_") and "p99" in name} == {50}
    assert {one.aim for name, one in found.items() if name.startswith("site_") and "p99" in name} == {200}


def test_records_that_were_not_written_have_no_figures(database_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lazy(*_: object) -> None:
        """It writes nothing."""

    monkeypatch.setattr(RecordAgent, "handle", lazy)
    before = names(database_server)
    with pytest.raises(WrongResultError, match="check-ins are missing"):
        records(database_server, 10, 0.04, 1)
    assert names(database_server) == before


def test_a_missing_mongodb_is_reported_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = CliRunner().invoke(main, ["bench", "records", "--mongodb"])
    assert (done.exit_code, "make mongodb fetches it" in done.stderr) == (2, True)
    program().parent.mkdir(parents=True)
    program().write_text("#!/bin/sh\necho no such library >&2; exit 127\n")
    program().chmod(0o755)
    done = CliRunner().invoke(main, ["bench", "records", "--mongodb"])
    assert (done.exit_code, "no such library" in done.stderr) == (2, True)
