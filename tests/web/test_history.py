"""The page with a real database: documents as `record` writes them, read as the page reads them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.page import (
    MORNING,
    NOW,
    MemoryHistory,
    Running,
    StoppedClock,
    browser,
    checkin,
    event,
    page_settings,
    person,
    running_page,
    wait_until,
)

from local.embedded import free_port
from models.window import Window
from stores.errors import StoreAwayError
from stores.mongo import Store
from stores.ports import Trouble
from stores.projection.history import of_alert, of_checkin, of_command, of_registry
from stores.queries import Queries
from web.alerts import alert_of_event
from web.changes import PageChanges
from web.history import HistoryAwayError, HistoryCache
from web.live import Live
from web.service import Web


@pytest.fixture
async def filled(store: Store) -> Store:
    """Two people, one of whom is absent, an alert of three revisions, an outage and a morning."""
    excuse = {"id": "1", "type": "excuse", "subject": 2, "by": "kim", "at": "2026-11-20T00:00:00Z",
              "from": "2026-11-23", "to": "2026-11-30", "text": "hospital"}
    revisions = [event(1, "sos"), event(1, "sos", 2, "commented", by="kim", text="on my way"),
                 event(1, "sos", 3, "acknowledged", acknowledged_by="kim")]
    outage = event("seoul-1", "gateway_outage", lane=2)
    for number, profile in ((1, person(1)["profile"]), (2, person(2)["profile"]), (3, None)):
        await store.apply(of_registry(number, profile, number))
    for change in (of_command(excuse, 4), of_checkin(checkin(1, "awake")), of_checkin(checkin(2, "excused")),
                   of_checkin(checkin(2, "awake", "2026-11-20:morning")), of_alert(outage),
                   *(of_alert(one) for one in revisions)):
        await store.apply(change)
    await store.set_contact(1, {"name": "김영자", "telephone": "010-5550-0001", "address": "서울 종로구 <1층>"})
    return store


@pytest.fixture
def page(filled: Store, database_url: str) -> Iterator[Running]:
    """Without a broker: what shows comes from the database."""
    settings = page_settings(kafka=f"127.0.0.1:{free_port()}")
    with running_page(Web(settings, StoppedClock(), Queries(database_url))) as running:
        yield running


def test_the_board_starts_from_the_database(page: Running) -> None:
    wait_until(lambda: page.web.history.read)
    with browser(page) as client:
        shown = client.get("/").text
        assert "김영자" in shown
        assert "sos 때문입니다 3." in shown
        assert "on my way" in shown
        assert "수신소 장애 · seoul-1" in shown
        assert [one["result"] for one in client.get("/api/v1/checkins").json()] == ["awake", "excused"]
        older = client.get("/api/v1/checkins?date=2026-11-20").json()
        assert [one["window"] for one in older] == ["2026-11-20:morning"]


def test_a_person_s_page_shows_all_stored_facts(page: Running) -> None:
    with browser(page) as client:
        first, second = client.get("/people/1").text, client.get("/people/2").text
        assert "서울 종로구 &lt;1층&gt;" in first
        assert first.count("sos 때문입니다") == 4  # the sentence of now, and the course
        assert "2026-11-23 – 2026-11-30 · kim · hospital" in second
        assert "11월 20일" in second
        assert client.get("/people/3").status_code == 404
        assert client.get("/people/3/part").status_code == 200
        assert client.get("/alerts/1:sos:0.1.1").headers["location"] == "/people/1#alert-1:sos:0.1.1"


def test_the_newer_revision_counts_wherever_it_comes_from(page: Running) -> None:
    wait_until(lambda: page.web.history.read)
    page.web.live.take_alert(alert_of_event(event(1, "sos", 2, "escalated")))
    assert "sos 때문입니다 3." in httpx.get(f"{page.url}/people/1").text
    page.web.live.take_alert(alert_of_event(event(1, "sos", 4, "cleared")))
    assert httpx.get(f"{page.url}/api/v1/alerts").json()[0]["kind"] == "gateway_outage"
    assert "sos 때문입니다 4." in httpx.get(f"{page.url}/people/1").text



async def test_a_database_that_is_away_is_reported_and_read_data_stay(history: MemoryHistory) -> None:
    history.everybody = [person(1, "김영자")]
    live = Live(PageChanges())
    reader = HistoryCache(history, live, lambda: NOW, lambda: None)
    await reader.refresh()
    history.error = StoreAwayError("gone")
    for asked in (reader.refresh(), reader.of_person(1), reader.checkins_of_day("2026-11-24")):
        with pytest.raises(HistoryAwayError):
            await asked
    assert (reader.away, reader.read, list(live.people)) == (True, True, [1])


async def test_an_unreadable_document_hides_no_other(history: MemoryHistory) -> None:
    history.everybody = [{"_id": "9", "profile": {"subject": "nine"}}, person(1)]
    history.checkins = [{"window": "2026-11-24:noon"}, {**checkin(1, "awake"), "ver": 1}]
    live = Live(PageChanges())
    await HistoryCache(history, live, lambda: NOW, lambda: None).refresh()
    assert (list(live.people), list(live.checkins[Window.parse(MORNING)])) == ([1], [1])


def test_a_page_without_its_database_shows_the_records_that_it_has(history: MemoryHistory, lonely: Running) -> None:
    history.error = StoreAwayError("gone")
    lonely.web.live.take_alert(alert_of_event(event(1, "sos")))
    with browser(lonely, "en") as client:
        shown = client.get("/people/1").text
        assert "Because of sos 1." in shown
        assert "The database is away" in shown
        assert "messages may not be sent" in shown
        assert client.get("/api/v1/checkins?date=2026-11-20").status_code == 503
        assert client.get("/api/v1/checkins?date=yesterday").status_code == 422


def test_text_of_people_is_never_markup(history: MemoryHistory, lonely: Running) -> None:
    evil = "<script>alert(1)</script>"
    history.everybody = [person(1, evil, site=evil)]
    wait_until(lambda: lonely.web.history.read)
    facts: dict[str, Any] = dict.fromkeys(("text", "by", "site", "acknowledged_by", "assignee", "severity"), evil)
    lonely.web.live.take_alert(alert_of_event(event(1, evil, why={"ko": evil, "en": evil}, **facts)))
    with browser(lonely) as client:
        for path in ("/", "/people/1", "/parts?part=alerts&part=top&part=people", f"/?site={evil}"):
            shown = client.get(path).text
            assert evil not in shown
            assert path.startswith("/?site") or "&lt;script&gt;alert(1)" in shown


def test_a_failing_channel_is_a_red_banner() -> None:
    history = MemoryHistory()
    history.troubles = [Trouble("team", 2, 1, "HTTP 404: no_service")]
    settings = page_settings(kafka=f"127.0.0.1:{free_port()}")
    with running_page(Web(settings, StoppedClock(), history)) as page:
        wait_until(lambda: page.web.history.read)
        with browser(page) as korean, browser(page, "en") as english:
            shown = english.get("/").text
            assert "Messages by 'team' do not arrive!" in shown
            assert "Messages that failed in the last twelve hours: 2." in shown
            assert "Messages that wait for a retry: 1." in shown
            assert "no_service" not in shown  # that is for the one who runs it
            assert "채널의 메시지가 전달되지 않고 있습니다!" in korean.get("/").text
            assert "채널의 메시지가 전달되지 않고 있습니다!" in korean.get("/people/1").text


async def test_failed_deliveries_are_read_from_the_database(store: Store, database_url: str) -> None:
    delivery = {"schema": 1, "thread": "1/a", "alert": "a", "revision": 1, "order": 1, "channel": "team",
                "attempts": 1, "due": 0.0, "lane": 0, "subject": 1, "changed_at": "2026-11-24T00:00:00Z", "why": "x"}
    await store.database.deliveries.insert_many([
        {**delivery, "_id": "1/a/1/team", "status": "failed", "at": "2026-11-24T00:00:00Z"},
        {**delivery, "_id": "1/a/2/team", "status": "failed", "at": "2026-11-23T00:00:00Z"},
        {**delivery, "_id": "1/a/3/team", "status": "sent", "at": "2026-11-24T00:00:00Z"},
        {**delivery, "_id": "1/a/4/mail", "status": "queued", "at": None, "attempts": 3, "channel": "mail"},
        {**delivery, "_id": "1/a/5/mail", "status": "queued", "at": None, "attempts": 2, "channel": "mail"}])
    queries = Queries(database_url)
    assert await queries.undelivered("2026-11-23T12:00:00Z") == [
        Trouble("mail", 0, 1, "x"), Trouble("team", 1, 0, "x")]
    queries.close()
