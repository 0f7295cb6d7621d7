"""The page follows the topics itself: over a real broker and real HTTP, with the database away or there."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from support.broker import a_broker
from support.page import (
    NOW,
    MemoryHistory,
    Running,
    StoppedClock,
    browser,
    checkin,
    csrf_of,
    event,
    page_settings,
    person,
    progress,
    running_page,
    send,
    wait_until,
)

from local.embedded import free_port
from runtime.settings import Settings, SettingsError
from stores.errors import StoreAwayError
from streams.kafka import kafka_options
from web.service import Web

pytestmark = pytest.mark.broker

ALL_LANES = [("reports", progress(lane), lane) for lane in range(4)]


def part(page: Running, *names: str) -> str:
    return httpx.get(f"{page.url}/parts", params={"part": names}, headers={"accept-language": "ko"}).text


def shows(page: Running, text: str, *names: str) -> bool:
    return text in part(page, *(names or ("top", "alerts", "people")))


@contextmanager
def followed(settings: Settings, history: MemoryHistory, **options: Any) -> Iterator[Running]:
    """A page that has read what was in the topics."""
    with running_page(Web(settings, StoppedClock(), history, **options)) as page:
        wait_until(lambda: httpx.get(f"{page.url}/ready").status_code == 200)
        yield page


class Listening:
    """What a browser gets of `/events`, in a thread; `changed` are the parts in order of their coming."""

    def __init__(self, page: Running, last: str | None = None) -> None:
        self.changed: list[list[str]] = []
        self.ids: list[str] = []
        headers = {} if last is None else {"last-event-id": last}
        self._client = httpx.Client(timeout=30)
        parts = {"part": ["top", "alerts", "people"]}
        self._request = self._client.build_request("GET", f"{page.url}/events", params=parts, headers=headers)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._closing = False
        self._thread.start()

    def _listen(self) -> None:
        try:
            response = self._client.send(self._request, stream=True)
            for line in response.iter_lines():
                if line.startswith("id:"):
                    self.ids.append(line.removeprefix("id:").strip())
                elif line.startswith("data:") and line.strip() != "data:":
                    self.changed.append(line.removeprefix("data:").split())
                if self._closing:
                    response.close()
                    return
        except httpx.HTTPError:
            return  # the page ended

    def close(self) -> None:
        self._closing = True


def test_a_new_alert_shows_while_the_database_is_away(settings: Settings, history: MemoryHistory) -> None:
    history.error = StoreAwayError("away")
    send(settings, *ALL_LANES)
    with followed(settings, history) as page:
        wait_until(lambda: shows(page, "데이터베이스가 응답하지 않습니다", "top"))
        listening = Listening(page)
        wait_until(lambda: listening.changed)
        send(settings, ("alerts", event(18, "sos"), None))
        wait_until(lambda: any("alerts" in parts for parts in listening.changed[1:]))
        assert shows(page, "SOS", "alerts")
        assert shows(page, "sos 때문입니다 1.", "alerts")
        assert shows(page, "18번", "alerts")
        listening.close()


def test_a_page_that_starts_later_shows_earlier_records(settings: Settings, history: MemoryHistory) -> None:
    history.everybody = [person(1, "김영자"), person(2, "박순옥"), person(3, "이말순")]
    send(settings, *ALL_LANES,
         ("alerts", event(1, "sos"), None), ("alerts", event(2, "fall"), None),
         ("alerts", event(2, "fall", 2, "cleared"), None), ("alerts", event(2, "fall"), None),  # a late repeat
         ("reports", checkin(3, "awake"), None), ("reports", {"type": "report", "subject": 3}, None),
         ("alerts", {"subject": "9", "data": "not an alert"}, None))
    with followed(settings, history) as page:
        wait_until(lambda: shows(page, "김영자"))
        assert not shows(page, "fall 때문입니다 1.")
        api = httpx.get(f"{page.url}/api/v1/alerts").json()
        assert [(one["alert"], one["held"], one["revision"]) for one in api] == [("1:sos:0.1.1", False, 1)]
        assert [one["alert"] for one in httpx.get(f"{page.url}/api/v1/alerts?active=false").json()] == ["2:fall:0.1.1"]
        assert [one["result"] for one in httpx.get(f"{page.url}/api/v1/checkins").json()] == ["awake"]
        assert httpx.get(f"{page.url}/api/v1/checkins?site=mapo").json() == []
        until = httpx.get(f"{page.url}/api/v1/judged-until").json()
        assert (until["watch"], until["all"], until["lanes"]) == ("watched", "2026-11-24T00:39:50Z", 4)
        assert shows(page, "09:39까지 모두 판정했습니다", "top")


def test_an_outage_is_a_red_banner_until_the_last_lane_clears_it(settings: Settings, history: MemoryHistory) -> None:
    outages = [("alerts", event("seoul-1", "gateway_outage", lane=lane), lane) for lane in (0, 1)]
    over = [("alerts", event("seoul-1", "gateway_outage", 2, "cleared", lane=lane), lane) for lane in (0, 1)]
    send(settings, *ALL_LANES, *outages)
    with followed(settings, history) as page:
        assert shows(page, "수신소 장애 · seoul-1", "top")
        send(settings, over[0])
        wait_until(lambda: [one.active for one in page.web.live.alerts.values()].count(False) == 1)
        assert shows(page, "수신소 장애", "top")
        send(settings, over[1])
        wait_until(lambda: not shows(page, "수신소 장애", "top"))


def test_the_banner_appears_after_two_minutes_without_progress(settings: Settings, history: MemoryHistory) -> None:
    real = StoppedClock(0.0)
    real.at = 4_000_000_000.0  # later than any record's own time, so what is read late counts as old
    send(settings, *ALL_LANES)
    with followed(settings, history, real_time=real.now) as page:
        assert shows(page, "지금 모든 분의 안부 확인이 멈춰 있습니다!", "top")
        listening = Listening(page)
        wait_until(lambda: listening.changed)
        real.at = 0.0  # as if the records had just come
        send(settings, *ALL_LANES)
        wait_until(lambda: [one.seen for one in page.web.live.progress.values()] == [0.0] * 4)
        wait_until(lambda: not shows(page, "안부 확인이 멈춰 있습니다", "top"))
        wait_until(lambda: ["top"] in listening.changed)  # somebody looked, and said so without being asked
        told = len(listening.changed)
        real.at = 121.0
        wait_until(lambda: shows(page, "지금 모든 분의 안부 확인이 멈춰 있습니다!", "top"))
        wait_until(lambda: ["top"] in listening.changed[told:])
        listening.close()


def test_a_gateway_whose_clock_is_ahead_is_shown(settings: Settings, history: MemoryHistory) -> None:
    """One lane is judged up to a time in the future. The other lanes, which are right, must not hide it."""
    send(settings, *ALL_LANES[:3], ("reports", progress(3, NOW + 7200), 3))
    with followed(settings, history) as page:
        wait_until(lambda: shows(page, "'seoul-1' 수신소의 시계가 앞서 있습니다!", "top"))


def test_a_browser_that_was_away_learns_what_it_missed(settings: Settings, history: MemoryHistory) -> None:
    send(settings, *ALL_LANES)
    with followed(settings, history) as page:
        wait_until(lambda: page.web.history.read and page.web.watch() == "watched")
        first = Listening(page)
        wait_until(lambda: first.ids)
        assert sorted(first.changed[0]) == ["alerts", "people", "top"]  # it knew nothing
        first.close()
        last = page.web.changes.id
        send(settings, ("alerts", event(1, "sos"), None))
        wait_until(lambda: page.web.live.alerts)
        again = Listening(page, last)
        wait_until(lambda: again.changed)
        assert "alerts" in again.changed[0]
        assert "people" not in again.changed[0]
        other = Listening(page, "another-instance-17")
        wait_until(lambda: other.changed)
        assert sorted(other.changed[0]) == ["alerts", "people", "top"]
        again.close()
        other.close()


async def commands(settings: Settings, count: int) -> list[tuple[bytes | None, dict[str, Any]]]:
    """The first records of the topic."""
    consumer = AIOKafkaConsumer("commands", **kafka_options(settings), auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [(one.key, json.loads(one.value)) for one in [await consumer.getone() for _ in range(count)]]
    finally:
        await consumer.stop()


def test_a_button_is_a_command_and_the_outcome_comes_back(settings: Settings, history: MemoryHistory) -> None:
    send(settings, *ALL_LANES, ("alerts", event(18, "sos"), None))
    with followed(settings, history) as page, browser(page, "ko") as client:
        csrf = csrf_of(client.get("/"))
        form = {"csrf": csrf, "seen": "1", "by": "김복지", "then": "/people/18"}
        for _ in range(2):  # pressed twice, it is one command
            answer = client.post("/alerts/18:sos:0.1.1/acknowledge", data=form)
            assert (answer.status_code, answer.headers["location"]) == (303, "/people/18")
        assert "요청을 보냈습니다" in client.get("/").text
        assert "요청을 보냈습니다" not in client.get("/").text
        del form["by"]  # it is remembered
        said = client.post("/people/18/excuse", headers={"x-anbu": "sentence"},
                           data=form | {"from": "2026-11-25", "to": "2026-11-27", "text": "입원"})
        assert (said.status_code, said.text.startswith("&#39;"), "부재 예정" in said.text) == (200, False, True)
        sent = asyncio.run(commands(settings, 3))
        assert [key for key, _ in sent] == [b"18"] * 3
        first, second, excuse = (value for _, value in sent)
        assert first == second == {"id": first["id"], "type": "acknowledge", "subject": 18, "by": "김복지",
                                   "alert": "18:sos:0.1.1", "at": "2026-11-24T00:40:00Z"}
        assert excuse == {"id": excuse["id"], "type": "excuse", "subject": 18, "by": "김복지", "from": "2026-11-25",
                          "to": "2026-11-27", "text": "입원", "at": "2026-11-24T00:40:00Z"}
        send(settings, ("alerts", event(18, "sos", 2, "acknowledged", acknowledged_by="김복지", by="김복지"), None))
        wait_until(lambda: shows(page, "김복지 님이 대응 중", "alerts"))


def test_without_a_broker_the_page_says_that_nothing_was_sent(lonely: Running) -> None:
    with browser(lonely, "en") as client:
        csrf = csrf_of(client.get("/people/18"))
        answer = client.post("/alerts/18:sos:0.1.1/resolve", headers={"x-anbu": "sentence"},
                             data={"csrf": csrf, "seen": "1", "by": "kim"})
        assert (answer.status_code, answer.text.split(":")[0]) == (503, "Not sent")
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503


def test_the_page_follows_a_broker_that_starts_later_and_restarts(history: MemoryHistory, tmp_path: Path) -> None:
    port = free_port()
    settings = page_settings(kafka=f"127.0.0.1:{port}")
    with running_page(Web(settings, StoppedClock(), history)) as page:
        assert shows(page, "첫 신호를 기다리고 있습니다", "top")
        for number in (1, 2):
            with a_broker(tmp_path, port):
                send(settings, *ALL_LANES, ("alerts", event(number, "sos"), None))
                wait_until(lambda number=number: shows(page, f"{number}번", "alerts"), patience=40)
        assert shows(page, "1번", "alerts")  # what was known stays


def test_a_topic_with_another_number_of_partitions_ends_the_page(settings: Settings, history: MemoryHistory) -> None:
    send(settings, *ALL_LANES)
    with running_page(Web(replace(settings, partitions=5), StoppedClock(), history)) as page:
        wait_until(lambda: page.failures)
        assert httpx.get(f"{page.url}/ready").status_code == 503
    (error,) = page.failures
    assert isinstance(error, SettingsError)
    assert "ANBU_PARTITIONS is 5, but topic" in str(error)


def test_the_page_uses_the_clock_that_it_was_given(settings: Settings, history: MemoryHistory) -> None:
    send(settings, *ALL_LANES, ("alerts", event(18, "sos", at=NOW - 7200), None))
    with followed(settings, history) as page:
        assert shows(page, "07:40부터 (2시간 전)", "alerts")
