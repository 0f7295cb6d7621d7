"""A page that runs for a test: the application under uvicorn in a thread, over real HTTP, on a broker and a database.

Records are those of the contract, made here by hand: what the page shows must not depend on how they came about.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import httpx
import orjson
import uvicorn

from models.times import format_time, parse_time
from runtime.settings import Settings
from stores.ports import Trouble
from streams.kafka import started_producer
from streams.topics import declare
from support.broker import GUARANTEE
from web.app import create_app
from web.service import Web

NOW = parse_time("2026-11-24T00:40:00Z", "now")  # 09:40 in Seoul: ten minutes after the morning's deadline
MORNING = "2026-11-24:morning"
Document = dict[str, Any]
Kind = TypeVar("Kind")


class StoppedClock:
    """A time that stands still unless a test moves it."""

    virtual = True

    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def now(self) -> float:
        return self.at


class MemoryHistory:
    """A database in memory. A test fills it, or makes it unavailable."""

    def __init__(self) -> None:
        self.everybody: list[Document] = []
        self.alerts: list[Document] = []
        self.checkins: list[Document] = []
        self.troubles: list[Trouble] = []
        self.of_one: dict[int, Document] = {}
        self.error: Exception | None = None

    async def people(self) -> list[Document]:
        return self._answer(self.everybody)

    async def open_alerts(self) -> list[Document]:
        return self._answer(self.alerts)

    async def checkins_of_day(self, day: str) -> list[Document]:
        return [one for one in self._answer(self.checkins) if one["window"].startswith(day)]

    async def undelivered(self, since: str) -> list[Trouble]:
        return [one for one in self._answer(self.troubles) if since]

    async def person(self, subject: int) -> Document:
        return {"person": None, "checkins": [], "alerts": [], **self._answer(self.of_one).get(subject, {})}

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, found: Kind) -> Kind:
        if self.error is not None:
            raise self.error
        return found


def event(subject: int | str, kind: str, revision: int = 1, change: str = "opened", *, at: int = NOW,
          lane: int | None = None, reference: str = "0.1.1", **facts: Any) -> Document:
    """A record of the topic `alerts`; of an incident where a lane is given."""
    alert = f"gateway_outage:{subject}:{reference}" if lane is not None else f"{subject}:{kind}:{reference}"
    why = {"ko": f"{kind} 때문입니다 {revision}.", "en": f"Because of {kind} {revision}."}
    data = {"alert": alert, "revision": revision, "change": change, "kind": kind, "severity": "critical",
            "active": change != "cleared", "acknowledged_by": None, "assignee": None,
            "site": None if lane is not None else "jongno", "window": None, "opened_at": format_time(at),
            "changed_at": format_time(at), "cause": {"likely": "person", "evidence": []},
            "why": why, "by": None, "text": None, "escalated_to": None, "reason": None,
            **({} if lane is None else {"lane": lane}), **facts}
    return {"specversion": "1.0", "id": f"{alert}/{revision}", "source": "/anbu/jongno", "subject": str(subject),
            "type": f"kr.anbu.alert.{change}", "time": format_time(at), "datacontenttype": "application/json",
            "data": data}


def checkin(subject: int, result: str, window: str = MORNING, revision: int = 1, at: int = NOW - 3600,
            site: str = "jongno") -> Document:
    return {"type": "checkin", "id": f"{window}#{revision}", "subject": subject, "site": site, "window": window,
            "result": result, "previous": None, "repaired": False, "at": format_time(at)}


def progress(lane: int, at: int = NOW - 10, gateway: str = "seoul-1") -> Document:
    return {"type": "progress", "lane": lane, "gateways": {gateway: format_time(at)}, "clock": format_time(at),
            "at": format_time(at)}


def person(subject: int, name: str | None = None, site: str = "jongno", **changes: Any) -> Document:
    """A document of the collection `people`."""
    profile = {"subject": subject, "site": site, "gateway": "seoul-1", "tz": "Asia/Seoul",
               "since": "2026-11-01T00:00:00Z", **changes}
    contact = {} if name is None else {"contact": {"name": name, "telephone": f"010-5550-{subject:04d}"}}
    return {"_id": str(subject), "subject": subject, "site": site, "gone": False, "profile": profile, **contact}


def page_settings(**changes: Any) -> Settings:
    return replace(Settings.from_env({"ANBU_GUARANTEE": GUARANTEE}), **changes)


def send(settings: Settings, *records: tuple[str, Document, int | None]) -> None:
    """Write (topic, value, partition) and wait for the broker's acknowledgement. Declares the topics."""
    async def write() -> None:
        await declare(settings)
        async with started_producer(settings) as sender:
            for topic, value, partition in records:
                key = None if value.get("type") == "progress" else str(value["subject"]).encode()
                await sender.send_and_wait(topic, orjson.dumps(value), key=key, partition=partition)

    with ThreadPoolExecutor(1) as pool:  # this thread may have a loop already: that of a browser
        pool.submit(lambda: asyncio.run(write())).result()


class Running:
    """A page that answers. url: without a slash at the end; failures: why it cannot go on."""

    def __init__(self, web: Web) -> None:
        self.web, self.url = web, ""
        self.failures: list[BaseException] = []


@contextmanager
def running_page(web: Web) -> Iterator[Running]:
    """Serve on a free port of the loopback address until the block ends."""
    one = Running(web)
    app = create_app(web, one.failures.append)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="on",
                                           access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        one.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield one
    finally:
        server.should_exit = True
        thread.join(20)


def browser(page: Running, language: str = "ko") -> httpx.Client:
    """A client that keeps cookies, as a browser without scripts does. It follows no redirects."""
    return httpx.Client(base_url=page.url, headers={"accept-language": language}, timeout=20)


def csrf_of(answer: httpx.Response) -> str:
    """The token of the first form of a page."""
    return answer.text.split('name="csrf" value="')[1].split('"')[0]


def wait_until(condition: Any, patience: float = 20) -> None:
    """Returns as soon as the condition holds. Raises AssertionError."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"never became true: {condition}"
        time.sleep(0.02)

