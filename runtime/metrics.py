"""The catalogue defines every metric that a dashboard or a rule may use; no metric has a label that is a person.

Each kind of process has its own registry and shows only its own metrics, so a gateway shows no number of lanes. Names
are `anbu_<what>[_<unit>]`, and labels have few values. docs/operate.md has the same list. A test compares the two, and
both with the rules and the dashboard of deploy/.
"""

import hmac
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Final, Protocol

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from models.asked import AskedPeople
from models.errors import RejectReason
from models.json_object import JsonView
from runtime.settings import Settings, is_loopback

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
REGISTRY: Final = CollectorRegistry()  # a worker with any agent
GATEWAY: Final = CollectorRegistry()
WEB: Final = CollectorRegistry()
for _one in (REGISTRY, GATEWAY, WEB):  # start time, memory, descriptors: `process_…`
    ProcessCollector(registry=_one)

# A worker: events, for rates.
RECORDS: Final = Counter("anbu_records", "Records folded or written, by input topic", ["topic"], registry=REGISTRY)
BATCHES: Final = Counter("anbu_batches", "Batches made durable, by input topic", ["topic"], registry=REGISTRY)
OUTPUTS: Final = Counter("anbu_outputs", "Records published, by output topic", ["topic"], registry=REGISTRY)
ALERTS: Final = Counter("anbu_alerts", "Revisions of alerts published, by kind of alert and by change",
                        ["kind", "change"], registry=REGISTRY)
QUARANTINED: Final = Counter("anbu_quarantined", "Records put into quarantine, by reason", ["reason"],
                             registry=REGISTRY)
DUPLICATES: Final = Counter("anbu_duplicates", "Frames that came again and changed nothing", registry=REGISTRY)
DATABASE_WAITS: Final = Counter("anbu_database_waits", "Retries because the database was away: of a batch, or of the "
                                "search for messages to send", registry=REGISTRY)
DELIVERIES: Final = Counter("anbu_deliveries", "Messages that have a receipt, by channel: sent, failed (not retried), "
                            "expired (too old), superseded (no longer needed)", ["channel", "status"],
                            registry=REGISTRY)
DELIVERY_RETRIES: Final = Counter("anbu_delivery_retries", "Failed attempts that are retried, by channel",
                                  ["channel"], registry=REGISTRY)
DELIVERY_SECONDS: Final = Histogram("anbu_delivery_seconds", "Seconds from a change of an alert until the channel "
                                    "accepts its message, quiet hours included", ["channel"], registry=REGISTRY,
                                    buckets=(1, 2, 5, 10, 30, 60, 300, 1800, 21600))
ROUTE_FALLBACKS: Final = Counter("anbu_route_fallbacks", "Messages to the default channel of a site, because no route "
                                 "names the person to whom the alert was escalated", ["site"], registry=REGISTRY)
QUESTIONS: Final = Counter("anbu_questions", "Questions to devices, by gateway: sent, failed (not retried), expired "
                           "(the deadline came first), unrouted (no channel for the gateway)", ["gateway", "status"],
                           registry=REGISTRY)
QUESTION_RETRIES: Final = Counter("anbu_question_retries", "Failed attempts to send a question to a device that are "
                                  "retried, by channel", ["channel"], registry=REGISTRY)
ASKED_UP: Final = Counter("anbu_asked_up", "People who were asked and proved to be up, by gateway and by whether their "
                          "device had answered", ["gateway", "answered"], registry=REGISTRY)
# A worker: its state, set when the metrics are read.
DELIVERIES_WAITING: Final = Gauge("anbu_deliveries_waiting", "Messages that wait for delivery, by channel; quiet hours "
                                  "included", ["channel"], registry=REGISTRY)
QUESTIONS_WAITING: Final = Gauge("anbu_questions_waiting", "Questions to devices that wait for delivery, by channel",
                                 ["channel"], registry=REGISTRY)
READY: Final = Gauge("anbu_ready", "1: this worker processes all lanes that it has; 0: not yet", registry=REGISTRY)
LANES: Final = Gauge("anbu_lanes", "Lanes that this worker has", registry=REGISTRY)
# The lag is computed from durable positions, not from fetched records: a batch that hangs counts as waiting.
LAG: Final = Gauge("anbu_lag", "Records that wait to be folded or written, by topic and lane", ["topic", "lane"],
                   registry=REGISTRY)
JUDGED_UNTIL: Final = Gauge("anbu_judged_until", "Time up to which the people of a gateway are judged, epoch seconds; "
                            "a gateway without people has no figure", ["gateway", "lane"], registry=REGISTRY)

# A gateway.
SMS_SECONDS: Final = Histogram("anbu_sms_seconds", "Seconds from the request to its answer, by HTTP status; 202: the "
                               "SMS is durable, 503: the SMS is not accepted", ["status"], registry=GATEWAY,
                               buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10))
SMS_IN_HAND: Final = Gauge("anbu_sms_in_hand", "Requests that have no answer yet", registry=GATEWAY)
BROKER_UP: Final = Gauge("anbu_broker_up", "1: the broker answers, so the gateway accepts SMS; 0: it does not",
                         registry=GATEWAY)
TICKED_AT: Final = Gauge("anbu_ticked_at", "Time of the last tick that every partition has acknowledged, epoch "
                         "seconds",
                         registry=GATEWAY)

# A page.
RESPONSES: Final = Counter("anbu_page_responses", "Answers of page and API, by HTTP status", ["status"], registry=WEB)
CAUGHT_UP: Final = Gauge("anbu_page_caught_up", "1: the page has read everything that was in the topics when it "
                         "started; 0: it is still reading", registry=WEB)
WATCHED: Final = Gauge("anbu_page_watched", "1: every lane has reported its progress within two minutes; 0: some "
                       "lane has not", registry=WEB)

# Counters of rules exist from the start: Prometheus sees a rise only if the counter exists before it.
for _reason in RejectReason:
    QUARANTINED.labels(_reason)
for _status in (401, 503):
    SMS_SECONDS.labels(_status)
for _status in (500, 503):
    RESPONSES.labels(_status)

_ASKED: Final = AskedPeople()  # of this process: a restart forgets people, and so counts fewer
CATALOGUE: Final = {"worker": REGISTRY, "gateway": GATEWAY, "web": WEB}


class CountedPartition(Protocol):
    @property
    def topic(self) -> str: ...


class DurableBatch(Protocol):
    """A batch of an engine, as far as it is counted."""

    @property
    def tp(self) -> CountedPartition: ...
    @property
    def records(self) -> Sequence[object]: ...


class PublishedRecord(Protocol):
    """A record that was written, as far as it is counted."""

    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


def count(_lane: object, batch: DurableBatch, outputs: Sequence[PublishedRecord]) -> None:
    """Count a durable batch. An `Engine` calls this as `applied`."""
    BATCHES.labels(batch.tp.topic).inc()
    RECORDS.labels(batch.tp.topic).inc(len(batch.records))
    count_outputs(outputs)


def count_outputs(outputs: Sequence[PublishedRecord]) -> None:
    """Count published records, of an engine or beside it."""
    for topic, number in Tally(output.topic for output in outputs).items():
        OUTPUTS.labels(topic).inc(number)
    for output in outputs:  # outputs are few on a quiet day
        if output.topic == "alerts":
            data = orjson.loads(output.value or b"")["data"]
            ALERTS.labels(data["kind"], data["change"]).inc()
        elif output.topic == "quarantine":
            QUARANTINED.labels(orjson.loads(output.value or b"")["reason"]).inc()
        elif output.topic == "asks" or (output.topic == "reports" and _is_asked(output.key)):
            _count_answers(orjson.loads(output.value or b"{}"))


def _is_asked(key: bytes | None) -> bool:
    return key is not None and key.isdigit() and _ASKED.knows(int(key))


def _count_answers(value: JsonView) -> None:
    if value.get("type") == "ask":
        for answered in ("yes", "no"):
            ASKED_UP.labels(value["gateway"], answered)
    found = _ASKED.take(value)
    if found is not None:
        ASKED_UP.labels(found.gateway, "yes" if found.answered else "no").inc()


def may_read(settings: Settings, host: str, authorization: str | None) -> bool:
    """Whether a request may read the operator views: it has the token.

    If no token is set, every request may read them, but only if the process listens on loopback.

    host: the address that the process listens on.
    authorization: the header of the request.
    """
    if settings.worker_token is None:
        return is_loopback(host)
    given = (authorization or "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), settings.worker_token.encode())
