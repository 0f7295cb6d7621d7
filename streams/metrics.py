"""The catalogue of metrics: every name that a dashboard or a rule may use, and what it means."""

from collections import Counter as Tally
from collections.abc import Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY: Final = CollectorRegistry()

RECORDS: Final = Counter("anbu_records", "Records folded or written, by input topic", ["topic"], registry=REGISTRY)
BATCHES: Final = Counter("anbu_batches", "Batches made durable, by input topic", ["topic"], registry=REGISTRY)
OUTPUTS: Final = Counter("anbu_outputs", "Records published, by output topic", ["topic"], registry=REGISTRY)
LANES: Final = Gauge("anbu_lanes", "Lanes that this worker has", registry=REGISTRY)
LAG: Final = Gauge("anbu_lag", "Records that wait to be folded or written, by topic and lane", ["topic", "lane"],
                   registry=REGISTRY)
JUDGED_UNTIL: Final = Gauge("anbu_judged_until", "Up to when the people of a gateway are judged, epoch seconds",
                            ["gateway", "lane"], registry=REGISTRY)


def count(_lane: Any, batch: Any, outputs: Sequence[Any]) -> None:
    """A batch is durable: what an `Engine` calls as `applied`."""
    BATCHES.labels(batch.tp.topic).inc()
    RECORDS.labels(batch.tp.topic).inc(len(batch.records))
    for topic, number in Tally(output.topic for output in outputs).items():
        OUTPUTS.labels(topic).inc(number)
