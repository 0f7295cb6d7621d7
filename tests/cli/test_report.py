"""`anbu report`: each question as a table, as JSON that the API would answer, and as CSV."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import Anbu
from support.history import write
from support.said import MONDAY, alert, checkin, eight_weeks
from support.said import report as report_of

from models.times import parse_time
from runtime.clock import SharedClock
from stores.mongo import Store

SCHEMAS = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_bytes())["components"]["schemas"]
OCTOBER = ("--site", "jongno", "--from", "2026-10-01", "--to", "2026-10-31")


@pytest.fixture
async def _history(store: Store) -> None:
    """Eight weeks of four people, and three alerts."""
    await write(store, [*eight_weeks(), *(alert(7, number, f"2026-11-2{number}T00:30:00Z", active=number == 2)
                                          for number in range(3))])


@pytest.fixture
def report(anbu: Anbu, database_url: str, _history: None) -> Any:
    """What a question prints."""
    def run(*arguments: object) -> str:
        done = anbu("report", *arguments, ANBU_MONGODB=database_url)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


QUESTIONS: dict[str, tuple[tuple[object, ...], str, str]] = {
    "person": (("person", 7), "PersonState", "06:30"),
    "weeks": (("weeks", 7), "Week", "2026-W47"),
    "wake-up": (("wake-up", 7), "WakeUps", "median of 28 mornings: 06:30, 06:00 before"),
    "later": (("later", "--site", "jongno"), "Drift", "06:30"),
    "failing": (("failing", "--site", "jongno"), "FailingDevice", "12"),
    "site": (("site", *OCTOBER), "Period", "2026-10-31"),
    "alerts": (("alerts", "--site", "jongno"), "PastAlert", "2026-11-22T00:30:00Z"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_report_is_given_as_a_table_and_as_json(report: Any, name: str) -> None:
    arguments, model, word = QUESTIONS[name]
    assert word in report(*arguments)
    found = json.loads(report(*arguments, "--json"))
    rows = found["items"] if isinstance(found, dict) and "items" in found else found
    one = rows[0] if isinstance(rows, list) else rows
    assert set(one) == set(SCHEMAS[model]["properties"]), "as the API describes it"


@pytest.mark.parametrize("name", sorted(QUESTIONS.keys() - {"person"}))
def test_each_report_is_given_as_csv(report: Any, name: str) -> None:
    arguments, _, _ = QUESTIONS[name]
    text = report(*arguments, "--csv")
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    found = json.loads(report(*arguments, "--json"))
    answered = found if isinstance(found, list) else found.get("items") or found["mornings"]
    assert len(rows) == len(answered) > 0
    for row, one in zip(rows, answered, strict=True):
        assert {key: row[key] for key, value in one.items() if isinstance(value, str)} == {
            key: value for key, value in one.items() if isinstance(value, str)}


def test_the_options_of_a_report_select_its_rows(report: Any) -> None:
    assert [one["subject"] for one in json.loads(report("later", "--site", "jongno", "--json"))] == [7]
    assert report("later", "--site", "jongno", "--at-least-min", 31) == "none\n"
    assert report("site", "--site", "jongno", "--from", "2020-01-01", "--to", "2020-01-02") == "none\n"
    assert [one["period"] for one in json.loads(report("site", *OCTOBER, "--by", "month", "--json"))] == ["2026-10"]
    assert len(json.loads(report("site", *OCTOBER, "--by", "week", "--json"))) == 5
    assert [one["week"] for one in json.loads(report("weeks", 7, "--limit", 2, "--json"))["items"]] == [
        "2026-W47", "2026-W46"]

    def alerts(*arguments: object) -> list[str]:
        return [one["alert"] for one in json.loads(report("alerts", *arguments, "--json"))["items"]]

    newest_first = [f"7:sos:0.1.{number}" for number in (2, 1, 0)]
    assert alerts() == alerts("--subject", 7, "--kind", "sos") == newest_first
    assert (alerts("--severity", "critical"), alerts("--severity", "warning")) == (newest_first, [])
    assert (alerts("--open"), alerts("--closed")) == (newest_first[:1], newest_first[1:])
    assert alerts("--from", "2026-11-21", "--to", "2026-11-21") == newest_first[1:2], "both dates are included"
    assert (alerts("--to", "2026-11-20"), alerts("--from", "2026-11-22")) == (newest_first[2:], newest_first[:1])
    page = json.loads(report("alerts", "--limit", 2, "--json"))
    assert alerts("--limit", 2, "--cursor", page["next"]) == newest_first[2:]


@pytest.mark.usefixtures("_history")
def test_a_report_says_if_rows_were_cut_off(anbu: Anbu, database_url: str) -> None:
    """Without a note a reader would take a shortened table for the whole."""
    def said(*arguments: object) -> str:
        done = anbu("report", *arguments, ANBU_MONGODB=database_url)
        assert done.exit_code == 0, done.output
        return done.stderr

    for form in ((), ("--csv",)):
        more = said("alerts", "--limit", 2, *form)
        assert more.startswith("more rows exist: --cursor ")
        assert said("alerts", "--limit", 2, "--cursor", more.split()[4], *form) == ""
        assert (said("weeks", 7, "--limit", 2, *form), said("weeks", 7, *form)) == (
            "more rows exist: --limit takes up to 200\n", "")
    assert said("alerts", "--limit", 2, "--json") == "", "it has `next`"


async def test_a_table_leaves_out_no_text(anbu: Anbu, database_url: str, store: Store) -> None:
    """The text may be long, and may have brackets."""
    notes = "[call daughter] [/] :smile: " + "눈이 어두우심 " * 20
    site = "종로구 노인종합사회복지관 동부분관"
    await store.set_contact(7, {"name": "김영자", "notes": notes})
    await write(store, [report_of(7, 1, MONDAY, site=site), checkin(7, MONDAY, "silent")])

    def run(*arguments: object) -> str:
        return anbu("report", *arguments, ANBU_MONGODB=database_url).stdout

    said = await asyncio.to_thread(run, "person", 7)
    assert notes.strip() in said
    said = await asyncio.to_thread(run, "site", "--site", site, "--from", MONDAY, "--to", MONDAY)
    assert site in said
    assert "morning silent:1" in await asyncio.to_thread(run, "weeks", 7)


async def test_today_is_the_earliest_local_date_by_the_clock_of_the_system(anbu: Anbu, database_url: str, store: Store,
                                                                           tmp_path: Path) -> None:
    """At eight in the morning in Seoul it is still yesterday in UTC; the demo has a time of its own."""
    SharedClock.create(tmp_path / "clock", parse_time("2026-09-27T23:00:00Z", "now"))
    await write(store, [checkin(7, MONDAY)])
    done = await asyncio.to_thread(lambda: anbu("report", "site", "--site", "jongno", "--json",
                                                ANBU_MONGODB=database_url, ANBU_CLOCK_FILE=str(tmp_path / "clock")))
    assert [one["period"] for one in json.loads(done.stdout)] == ["2026-09-28"]


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (("person", 99), 1, "no person has this number"), (("wake-up", 99), 1, "no person has this number"),
    (("weeks", 99), 1, "no person has this number"),
    (("alerts", "--cursor", "x"), 2, "--cursor"), (("alerts", "--kind", "x"), 2, "--kind"),
    (("site", "--site", "jongno", "--from", "2026-10-02", "--to", "2026-10-01"), 2, "--to is before --from"),
    (("alerts", "--from", "2026-10-02", "--to", "2026-10-01"), 2, "--to is before --from"),
    (("site", "--site", "jongno", "--to", "0001-01-05"), 2, "1970 to 2199"),
    (("alerts", "--cursor", "WyJmb28iLCJiYXIiXQ"), 2, "--cursor"),
    (("later", "--site", "jong"), 1, "no site is called 'jong'"), (("site", "--site", "종로"), 1, "is called '종로'"),
    (("failing", "--site", ""), 1, "no site is called ''"),
    (("later",), 2, "--site"), (("weeks", 7, "--limit", 0), 2, "--limit")])
def test_a_report_that_cannot_be_answered_is_refused(anbu: Anbu, database_url: str, arguments: tuple[object, ...],
                                                     status: int, said: str) -> None:
    done = anbu("report", *arguments, ANBU_MONGODB=database_url)
    assert (done.exit_code, said in done.stderr) == (status, True), done.output


def test_a_missing_database_is_reported(anbu: Anbu) -> None:
    done = anbu("report", "later", "--site", "jongno", ANBU_MONGODB="mongodb://127.0.0.1:1/anbu")
    assert (done.exit_code, "the database is away (ANBU_MONGODB)" in done.stderr) == (1, True)
    done = anbu("report", "later", "--site", "jongno", ANBU_MONGODB="x")
    assert (done.exit_code, "ANBU_MONGODB: a URL such as" in done.stderr) == (2, True)
