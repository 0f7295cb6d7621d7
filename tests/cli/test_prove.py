"""`anbu prove`: a table, or an object for each row; and a status that a pipeline looks at."""

import orjson
import pytest
from support.commands import Anbu

from cli.prove import parse_ask_min
from simulator.worth import Worth

SMALL = ("--people", 12, "--days", 2, "--network", "demo", "--network", "modern")


def test_a_table_has_a_row_for_each_network_and_rule(anbu: Anbu) -> None:
    done = anbu("prove", *SMALL)
    assert done.exit_code == 0
    head, *rows = done.stdout.splitlines()
    assert head.split()[:3] == ["network", "rule", "missed"]
    assert [row.split()[:3] for row in rows] == [
        [network, rule, "0"] for network in ("demo", "modern") for rule in ("naive", "grace", "judged", "asking")]
    assert {len(row) for row in (head, *rows)} == {len(head)}


def test_figures_for_programs(anbu: Anbu) -> None:
    done = anbu("prove", *SMALL, "--rule", "naive", "--rule", "judged", "--json", "--seeds", 2)
    naive, judged, *others = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert (naive["network"], naive["rule"], naive["person_days"]) == ("demo", "naive", 48)
    assert (naive["longest_wait_min"], judged["longest_wait_min"]) == (0, 30)
    assert 0 < judged["ppv"] <= 1
    assert judged["fewer_than_naive"] == pytest.approx(1 - judged["false"] / naive["false"])
    assert len(others) == 2


def test_without_the_naive_rule_nothing_is_compared_with_it(anbu: Anbu) -> None:
    done = anbu("prove", "--people", 5, "--days", 1, "--network", "gentle", "--rule", "judged", "--json")
    assert orjson.loads(done.stdout)["fewer_than_naive"] is None
    assert len(anbu("prove", "--people", 5, "--days", 1, "--network", "gentle", "--rule", "judged").stdout.splitlines()
               ) == 2


@pytest.mark.parametrize("wrong", [{"missed": 1}, {"missed_emergencies": 1}, {"longest_wait_s": 3601}])
def test_the_status_of_a_judgement_that_fails(anbu: Anbu, monkeypatch: pytest.MonkeyPatch,
                                              wrong: dict[str, int]) -> None:
    for rule, status in (("naive", 0), ("judged", 1), ("asking", 1)):
        monkeypatch.setattr("cli.prove.compare_seeds", lambda *_, rule=rule: {rule: Worth(10, **wrong)})
        assert anbu("prove", "--network", "demo").exit_code == status


def test_when_to_ask(anbu: Anbu) -> None:
    assert parse_ask_min("0,15,26") == (0, 15, 26)
    assert parse_ask_min("") == ()
    for text in ("15,0", "a", "0,0", "-1", "1,2,3,4,5,6,7,8"):
        done = anbu("prove", "--ask-min", text)
        assert (done.exit_code, "--ask-min" in done.stderr) == (2, True)
