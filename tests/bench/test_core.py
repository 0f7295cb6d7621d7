"""`anbu bench core` answers what the contract says, and does not answer for a core that is wrong."""

import orjson
import pytest
from click.testing import CliRunner

from bench import nation
from bench.core import core
from bench.figures import Figure, WrongResultError, python, table
from bench.nation import Course, Half
from cli.main import main
from models.contract.inputs import Record
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.judgement.rules import checkins
from models.wire.keys import KeyRing

FIGURES = {"aes_ccm_us", "receive_us", "step_us", "encode_us", "pack_us", "unpack_us", "fold_us",
           "deadline_us", "index_us", "fold_to_aes_ccm", "deadline_to_fold",
           "receive_and_step_to_aes_ccm", "fold_to_receive_and_step", "octets_a_person"}


def test_the_command_prints_a_line_for_each_figure() -> None:
    done = CliRunner().invoke(main, ["bench", "core", "--people", "10", "--windows", "2", "--runs", "1", "--json"])
    assert done.exit_code == 0, done.output
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert {line["figure"] for line in lines} == FIGURES
    assert all(line.keys() == {"bench", "figure", "value", "aim", "met", "python"} for line in lines)
    assert all(line["value"] > 0 for line in lines)


def test_a_wrong_core_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core that takes no check-ins would be fast."""
    monkeypatch.setattr(checkins, "check_in", lambda *_: None)
    with pytest.raises(WrongResultError):
        core(people=10, windows=1, runs=1)


def test_an_aim_is_compared_with_its_figure() -> None:
    at_least, at_most = Figure("engine", "ratio", 0.71, 0.7), Figure("latency", "p50_ms", 21, 20, at_most=True)
    assert (at_least.met, at_most.met, Figure("core", "octets", 1).met) == (True, False, None)
    assert orjson.loads(at_most.line()) == {"bench": "latency", "figure": "p50_ms", "value": 21.0, "aim": 20,
                                           "met": False, "python": python()}
    *rows, measured_by = table([at_least, at_most]).splitlines()
    assert measured_by == f"measured by Python {python()}"
    assert rows == ["figure          value    aim  met",
                    "engine ratio     0.71  ≥ 0.7  yes",
                    "latency p50_ms     21   ≤ 20  no"]


def test_the_nation_is_judged_by_its_courses() -> None:
    """The results that the benchmarks expect are those of the core."""
    lane, fold, half, people = LaneState(0), Fold(KeyRing(nation.KEKS)), Half(0), range(500, 611)
    records = [Record("sms", 0, 0, None, tick) for tick in nation.ticks(nation.BEFORE)]
    records += [Record("registry", 0, 0, b"%d" % subject, nation.registry(subject)) for subject in people]
    records += [Record("sms", 0, 0, b"%d" % subject, value) for subject, value in nation.reports(people, half)]
    records += [Record("sms", 0, 0, None, tick) for tick in nation.ticks(half.deadline)]
    outputs = [orjson.loads(output.value or b"null") for record in records for output in fold(lane, record)]
    results = {one["subject"]: one["result"] for one in outputs if one.get("type") == "checkin"}
    opened = {(int(one["subject"]), one["data"]["kind"])
              for one in outputs if one.get("type") == "kr.anbu.alert.opened"}
    assert results == {subject: nation.result(subject) for subject in people}
    assert opened == {(subject, kind) for subject in people if (kind := nation.alert(subject)) is not None}
    assert set(map(nation.course, people)) == set(Course)
