"""Operator views listen on the loopback address by default; on another address they need a bearer token.

They show health, metrics, and the live state of a person, without keys. Live means that changes of a batch in hand are
visible before the batch is durable, even while the broker is away. Faust's own pages are off.
"""

import asyncio
import contextlib
import socket
from typing import Any, Final

import httpx
from aiokafka.errors import KafkaError
from faust import web
from prometheus_client import generate_latest

from models.json_object import JsonObject
from models.times import format_time
from runtime import metrics
from runtime.settings import Settings, SettingsError, is_loopback
from streams.engine.engine import Engine
from streams.partition import partition_of

ANSWER_S: Final = 3.0  # a health check must get an answer soon
ASKED: Final = "X-Anbu-Passed-On"


def faust_options(settings: Settings) -> dict[str, Any]:
    """Return the options of Faust. Raises SettingsError if the views would be open to everybody."""
    if not is_loopback(settings.worker_host) and not settings.worker_token:
        raise SettingsError("ANBU_WORKER_TOKEN is not set: it is required if ANBU_WORKER_HOST is not loopback")
    return {
        "web_enabled": True,
        "web_bind": settings.worker_host,
        "web_host": settings.worker_host,
        "web_port": settings.worker_port,
        "canonical_url": address(settings),
        "web_router_enabled": False, "web_tables_enabled": False, "web_graph_enabled": False,
        "web_stats_enabled": False, "web_metrics_enabled": False,
    }


def address(settings: Settings) -> str:
    """Return the URL of this worker's views for other workers. The group's assignment contains it."""
    if settings.worker_url is not None:
        return settings.worker_url
    host = settings.worker_host
    if host in ("0.0.0.0", "::"):  # noqa: S104 - only compared; for other workers this address would mean themselves
        host = socket.gethostname()
    return f"http://[{host}]:{settings.worker_port}" if ":" in host else f"http://{host}:{settings.worker_port}"


def add(engine: Engine, settings: Settings) -> None:
    """Add the views to the engine's web server."""
    app = engine.app

    def allowed(request: web.Request) -> bool:
        return metrics.may_read(settings, settings.worker_host, request.headers.get("Authorization"))

    def denied(view: web.View) -> web.Response:
        return view.json({"error": "a bearer token is needed (ANBU_WORKER_TOKEN)"}, status=401)

    @app.page("/health/")
    async def health(view: web.View, request: web.Request) -> web.Response:
        if not allowed(request):
            return denied(view)
        try:
            lanes, ready = await asyncio.wait_for(lanes_of(engine), ANSWER_S), engine.ready
        except (KafkaError, TimeoutError):
            lanes, ready = {}, False  # the broker is away
        return view.json({"live": True, "ready": ready, "waiting_for": engine.waiting_for, "lanes": lanes,
                          "recovering": {str(number): round(100 * lane.recovered)
                                         for number, lane in engine.opening_lanes.items()}},
                         status=200 if ready else 503)

    @app.page("/metrics")  # the default path of Prometheus
    @app.page("/metrics/")
    async def show_metrics(view: web.View, request: web.Request) -> web.Response:
        if not allowed(request):
            return denied(view)
        with contextlib.suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(lanes_of(engine), ANSWER_S)
        metrics.READY.set(engine.ready)
        return view.text(generate_latest(metrics.REGISTRY).decode(), content_type="text/plain")

    @app.page("/people/{subject}/")
    async def person(view: web.View, request: web.Request, subject: str) -> web.Response:
        if not allowed(request):
            return denied(view)
        if not subject.isdecimal():
            return view.json({"error": f"{subject} is no subject number"}, status=400)
        lane = partition_of(int(subject), settings.partitions)
        mine = engine.lanes.get(lane)
        if mine is None:
            said, status = await ask(where(engine, lane), subject, lane, settings, passed_on=ASKED in request.headers)
            return view.json(said, status=status)
        state = getattr(mine, "state", None)
        found = None if state is None else state.view(int(subject))
        if found is None:
            return view.json({"error": f"no person has the number {subject}", "lane": lane}, status=404)
        return view.json({"lane": lane, **found})


async def ask(worker: str | None, subject: str, lane: int, settings: Settings, *, passed_on: bool,
              ) -> tuple[JsonObject, int]:
    """Ask the worker that has the lane about a person. Returns its answer and status. A request is passed on once."""
    if worker is None or passed_on:
        return {"error": f"no worker has lane {lane} at the moment; retry", "lane": lane}, 503
    headers = {ASKED: "1"} | ({"Authorization": f"Bearer {settings.worker_token}"} if settings.worker_token else {})
    try:
        async with httpx.AsyncClient(timeout=ANSWER_S) as http:
            answer = await http.get(f"{worker.rstrip('/')}/people/{subject}/", headers=headers)
            found: JsonObject = answer.json()
    except (httpx.HTTPError, ValueError):
        return {"error": f"lane {lane} is on {worker}, which does not answer", "lane": lane}, 502
    return found, answer.status_code


def where(engine: Engine, lane: int) -> str | None:
    """Return the URL of the worker that has a lane, from the group's assignment; None if no worker has it."""
    for url, topics in engine.app.assignor.external_topic_distribution.items():
        if any(lane in partitions for partitions in topics.values()):
            return str(url)
    return None


async def lanes_of(engine: Engine) -> JsonObject:
    """Return for each lane of this worker the waiting records by topic, and by gateway up to when it has judged."""
    positions = engine.positions()
    ends = await engine.app.consumer.highwaters(*positions) if positions else {}
    shown: JsonObject = {}
    metrics.LANES.set(len(engine.lanes))
    for figures in (metrics.LAG, metrics.JUDGED_UNTIL):
        figures.clear()  # figures of a lane that another worker has must not stay
    for number, lane in sorted((number, lane) for number, lane in engine.lanes.items() if lane.valid):
        lag = {tp.topic: max(0, (ends.get(tp) or 0) - offset) for tp, offset in positions.items()
               if tp.partition == number}
        for topic, records in lag.items():
            metrics.LAG.labels(topic, number).set(records)
        judged = {} if lane.durable is None else lane.durable.until
        for gateway, at in judged.items():
            if lane.durable.people.get(gateway):  # a gateway without people is left out
                metrics.JUDGED_UNTIL.labels(gateway, number).set(at)
        shown[str(number)] = {"lag": lag, "judged_until": {name: format_time(at) for name, at in judged.items()}}
    return shown
