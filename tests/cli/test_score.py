"""`anbu simulate`, `anbu replay`, `anbu score`: a day without a broker, and the status that a script looks at."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result
from support.commands import Anbu


@pytest.fixture
def day(anbu: Anbu, tmp_path: Path) -> Path:
    """A folder with a day that has been judged."""
    done = anbu("simulate", "--subjects", 40, "--seed", 3, "--to", f"file:{tmp_path}/day", "--truth",
                tmp_path / "truth", "--kek", tmp_path / "kek")
    assert (done.exit_code, done.stdout) == (0, "")
    judged = anbu("replay", tmp_path / "day", ANBU_KEK_FILE=str(tmp_path / "kek"))
    (tmp_path / "judged").write_text(judged.stdout, encoding="utf-8")
    return tmp_path


def score(anbu: Anbu, day: Path, lines: list[dict[str, Any]], *options: str) -> Result:
    (day / "alerts").write_bytes(b"\n".join(orjson.dumps(line) for line in lines))
    return anbu("score", "--truth", day / "truth", "--alerts", day / "alerts", *options)


def judged(day: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (day / "judged").read_bytes().splitlines()]


def test_a_day_is_judged_right(anbu: Anbu, day: Path) -> None:
    lines = judged(day)
    done = score(anbu, day, lines, "--json")
    assert done.exit_code == 0
    figures = json.loads(done.stdout)
    assert figures["due"] > 10
    assert figures == {"due": figures["due"], "missed": 0, "late": 0, "false": 0}
    only_alerts = [line["value"] for line in lines if line["topic"] == "alerts"]
    assert score(anbu, day, only_alerts, "--json").stdout == done.stdout


def test_missed_and_false_alerts_are_named(anbu: Anbu, day: Path) -> None:
    lines = judged(day)
    openings = [line for line in lines if line["topic"] == "alerts" and line["value"]["data"]["revision"] == 1]
    taken = openings[3]["value"]
    without = [line for line in lines
               if line["topic"] != "alerts" or line["value"]["data"]["alert"] != taken["data"]["alert"]]
    done = score(anbu, day, without)
    assert done.exit_code == 1
    assert f"missed  {taken['subject']} {taken['data']['kind']}" in done.stdout
    invented = {**taken, "subject": "1", "data": {**taken["data"], "alert": "1:made:0.1.1"}}
    done = score(anbu, day, [*lines, invented])
    assert (done.exit_code, "false   1:made:0.1.1" in done.stdout) == (1, True)
    assert score(anbu, day, []).exit_code == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"truth":"due"}', '{"truth":"other"}', '{"a":1}'])
def test_a_file_of_another_kind_is_bad_input(anbu: Anbu, day: Path, text: str) -> None:
    (day / "wrong").write_text(text)
    assert anbu("score", "--truth", day / "wrong", "--alerts", day / "judged").exit_code == 2


def test_alerts_of_another_kind_are_bad_input(anbu: Anbu, day: Path) -> None:
    (day / "wrong").write_text('{"subject":"1"}')
    assert anbu("score", "--truth", day / "truth", "--alerts", day / "wrong").exit_code == 2
    assert anbu("score", "--truth", day / "truth", "--alerts", day / "not there").exit_code == 2


def test_a_better_network_brings_more(anbu: Anbu, tmp_path: Path) -> None:
    counts = {}
    for network in ("demo", "gentle"):
        anbu("simulate", "--subjects", 60, "--network", network, "--to", f"file:{tmp_path}/{network}", "--truth",
             tmp_path / "truth")
        truth = [orjson.loads(line) for line in (tmp_path / "truth").read_bytes().splitlines()]
        counts[network] = sum(one["truth"] == "fine" for one in truth)
    assert counts["demo"] + 3 < counts["gentle"]
    assert anbu("simulate", "--network", "perfect", "--to", f"file:{tmp_path}/day").exit_code == 2


@pytest.mark.parametrize("target", ["day.jsonl", "ftp://here", "file:/not/there/day.jsonl"])
def test_a_wrong_target_of_a_fleet_is_refused(anbu: Anbu, target: str) -> None:
    done = anbu("simulate", "--subjects", 1, "--to", target)
    assert (done.exit_code, "--to" in done.stderr) == (2, True)
