"""The JSON API of the history: what is described is what is answered, with ETags, pages, and CSV that harms nobody."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from support.expected_history import Said
from support.history import said_of, write
from support.page import MemoryHistory, StoppedClock, page_settings, running_page
from support.said import MONDAY, checkin, eight_weeks, report
from support.vectors import VECTORS, key_ring, read_lines, replay

from local.embedded import free_port
from stores.mongo import Store
from web.answers import csv_of
from web.service import Web

SCHEMAS = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_bytes())["components"]["schemas"]


def scenario(name: str) -> list[Said]:
    lines = read_lines(VECTORS / "scenarios" / f"{name}.in.jsonl")
    return said_of(lines, replay(lines, key_ring()))


@pytest.fixture
async def http(store: Store, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The page of a database in which a morning and somebody's device are."""
    await write(store, [*scenario("morning"), *scenario("device_alerts")])
    settings = replace(page_settings(kafka=f"127.0.0.1:{free_port()}"), mongodb=database_url)
    with running_page(Web(settings, StoppedClock(), MemoryHistory())) as page:
        async with httpx.AsyncClient(base_url=f"{page.url}/api/v1", timeout=20) as client:
            yield client


PATHS = {"people/7": "PersonState", "people/7/wake-up": "WakeUps", "people/7/weeks": "Weeks",
         "sites/jongno/figures?first=2026-11-20&last=2026-11-30": "Period", "past-alerts": "PastAlerts"}


@pytest.mark.parametrize("path", PATHS)
async def test_answers_are_as_described_and_are_not_sent_twice(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 200
    found: Any = answer.json()
    assert set(found[0] if isinstance(found, list) else found) == set(SCHEMAS[PATHS[path]]["properties"])
    again = await http.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert (await http.get(path, headers={"if-none-match": '"another"'})).content == answer.content


async def test_a_changed_answer_has_another_etag(http: httpx.AsyncClient, store: Store) -> None:
    before = (await http.get("people/7")).headers["etag"]
    await store.set_contact(7, {"name": "김영자"})
    after = await http.get("people/7", headers={"if-none-match": before})
    assert after.json()["contact"] == {"name": "김영자"}


async def test_pages_follow_each_other(http: httpx.AsyncClient) -> None:
    whole = (await http.get("past-alerts")).json()["items"]
    found, cursor = [], None
    while True:
        page = (await http.get("past-alerts", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        found += page["items"]
        if (cursor := page["next"]) is None:
            break
    assert found == whole
    assert len(whole) > 2
    assert {one["kind"] for one in (await http.get("past-alerts?kind=no_report&site=jongno")).json()["items"]} == {
        "no_report"}


async def test_a_csv_answer_has_a_link_to_its_next_page(http: httpx.AsyncClient) -> None:
    """A CSV file has no field `next`, so the link is in a header."""
    whole = [one["alert"] for one in (await http.get("past-alerts?site=jongno")).json()["items"]]
    found, address = list[str](), "past-alerts?site=jongno&limit=1&format=csv"
    for number in range(1, len(whole) + 1):
        answer = await http.get(address)
        found += [row["alert"] for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]
        assert ("next" in answer.links) == (number < len(whole))
        assert (await http.get(address, headers={"if-none-match": answer.headers["etag"]})).links == answer.links
        address = f"past-alerts{answer.links['next']['url']}" if answer.links else ""
    assert found == whole
    assert len(whole) > 2
    assert "link" not in (await http.get("people/7/wake-up?format=csv")).headers


async def test_later_mornings_and_failing_devices_of_a_site(http: httpx.AsyncClient, store: Store) -> None:
    await write(store, eight_weeks())
    [later] = (await http.get("sites/jongno/later-mornings")).json()
    assert later == {"subject": 7, "woke": "06:30", "woke_before": "06:00", "later_min": 30, "of_mornings": 28}
    assert set(later) == set(SCHEMAS["Drift"]["properties"])
    assert (await http.get("sites/jongno/later-mornings?at_least_min=31")).json() == []
    failing = (await http.get("sites/jongno/failing-devices")).json()
    assert (10, 12) in [(one["subject"], one["battery_pct"]) for one in failing]
    assert set(failing[0]) == set(SCHEMAS["FailingDevice"]["properties"])
    for path in ("sites/jongno/later-mornings", "sites/jongno/failing-devices"):
        answer = await http.get(path, params={"format": "csv"})
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [int(row["subject"]) for row in rows] == [one["subject"] for one in (await http.get(path)).json()]
        assert (await http.get(path.replace("jongno", "nowhere"))).json() == []
        assert (await http.get(path, headers={"if-none-match": (await http.get(path)).headers["etag"]})
                ).status_code == 304
    assert (await http.get("sites/jongno/later-mornings?at_least_min=0")).status_code == 422


async def test_figures_are_given_as_csv(http: httpx.AsyncClient) -> None:
    answer = await http.get("sites/jongno/figures?first=2026-11-20&last=2026-11-30&by=month&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["period"], row["checkins.morning.silent"]) == ("2026-11", "1")


async def test_weeks_for_a_spreadsheet_have_no_column_a_date(http: httpx.AsyncClient, store: Store) -> None:
    await write(store, [checkin(7, MONDAY + timedelta(days=number), "silent" if number == 6 else "awake")
                        for number in range(14)])
    answer = await http.get("people/7/weeks?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["week"], row["results.morning.awake"], row["results.morning.silent"]) for row in rows[-2:]] == [
        ("2026-W41", "7", ""), ("2026-W40", "6", "1")]


async def test_a_site_may_have_any_name(http: httpx.AsyncClient, store: Store) -> None:
    name = "종로 복지관/동부"
    await write(store, [report(7, 9, MONDAY, site=name)])
    [found] = (await http.get(f"sites/{quote(name, safe='')}/figures?first=2026-09-01&last=2026-09-30")).json()
    assert (found["site"], found["sms"]) == (name, 1)


async def test_the_earliest_and_the_latest_time_are_accepted(http: httpx.AsyncClient) -> None:
    whole = (await http.get("past-alerts")).json()
    for asked, found in (("since=0001-01-01T00:00:00Z", whole), ("until=9999-12-31T23:59:59-14:00", whole),
                         ("until=0001-01-01T00:00:00Z", {"items": [], "next": None})):
        assert (await http.get(f"past-alerts?{asked}")).json() == found


async def test_a_time_may_have_a_fraction_of_a_second(http: httpx.AsyncClient) -> None:
    newest = (await http.get("past-alerts?limit=1")).json()["items"][0]["opened_at"]
    within = newest.replace("Z", ".5Z")
    assert (await http.get(f"past-alerts?since={within}")).json()["items"] == []
    assert newest in [one["opened_at"] for one in (await http.get(f"past-alerts?until={within}")).json()["items"]]


@pytest.mark.parametrize(("path", "status"), [
    ("people/99", 404), ("people/99/wake-up", 404), ("people/99/weeks", 404), ("people/99/weeks?format=csv", 404),
    ("people/x", 422), ("past-alerts?cursor=x", 422),
    ("people/7/weeks?cursor=WyJmb28iXQ", 422), ("past-alerts?kind=x", 422), ("past-alerts?limit=0", 422),
    ("sites/jongno/figures?first=2026-11-30&last=2026-11-20", 422), ("people/7/weeks?format=xml", 422),
    ("sites/jongno/figures?first=2020-01-01&last=2026-11-20", 422)])
async def test_a_request_that_cannot_be_answered_gets_a_status_and_a_detail(http: httpx.AsyncClient, path: str,
                                                                            status: int) -> None:
    answer = await http.get(path)
    assert answer.status_code == status
    assert set(answer.json()) == set(SCHEMAS["Refusal"]["properties"])
    assert isinstance(answer.json()["detail"], str)


async def test_a_refusal_says_what_is_wrong(http: httpx.AsyncClient) -> None:
    for asked, said in (("past-alerts?limit=1001&active=x", ["limit: ", "less than or equal to 1000", "active: "]),
                        ("past-alerts?since=2026-02-30", ["since: "]), ("people/7/weeks?format=xml", ["format: "]),
                        ("people/x", ["subject: "]),
                        ("sites/jongno/figures?first=2026-11-20", ["last: Field required"])):
        detail = (await http.get(asked)).json()["detail"]
        assert [one for one in said if one not in detail] == [], detail


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1",
                                  "\uff0d1", "\uff20x"])
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    [row] = csv.DictReader(io.StringIO(csv_of([{"a": text, "n": -5}]).decode("utf-8-sig"), newline=""))
    assert row == {"a": f"'{text}", "n": "-5"}


def test_csv_of_lists_maps_and_empty_answers() -> None:
    assert csv_of([{"a": {"b": 1}}, {"c": [1, "x"]}]) == "\ufeffa.b,c\r\n1,\r\n,1 x\r\n".encode()
    assert csv_of([]) == "\ufeff\r\n".encode()
