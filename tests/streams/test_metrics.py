"""The metrics that a durable batch changes, and the access to the metrics."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from faust.types import TP

from models.contract.documents import Output
from models.errors import RejectReason
from runtime import metrics
from runtime.settings import Settings
from streams.engine.batch import Batch


def figures() -> dict[tuple[str, str], float]:
    """Of a worker, by name and labels."""
    return {(one.name, ",".join(one.labels.values())): one.value for family in metrics.REGISTRY.collect()
            for one in family.samples if one.name.startswith("anbu_") and not one.name.endswith("_created")}


def test_a_batch_is_counted() -> None:
    before = figures()
    alert: dict[str, Any] = {"data": {"kind": "sos", "change": "opened"}}
    outputs = [Output("alerts", b"7", orjson.dumps(alert)), Output("reports", b"7", b"{}"),
               Output("reports", b"8", b"{}"),
               Output("quarantine", None, orjson.dumps({"reason": "corrupt"})), Output("sms", b"9", None, 2)]
    metrics.count(None, Batch(TP("sms", 0), 3, 5, [object(), object()]), outputs)
    assert {key: value - before.get(key, 0) for key, value in figures().items() if value != before.get(key, 0)} == {
        ("anbu_batches_total", "sms"): 1, ("anbu_records_total", "sms"): 2, ("anbu_outputs_total", "alerts"): 1,
        ("anbu_outputs_total", "reports"): 2, ("anbu_outputs_total", "quarantine"): 1, ("anbu_outputs_total", "sms"): 1,
        ("anbu_alerts_total", "sos,opened"): 1, ("anbu_quarantined_total", "corrupt"): 1}


def test_an_asked_person_who_proves_to_be_up_is_counted() -> None:
    before = figures()
    records: list[tuple[str, dict[str, Any]]] = [
        ("asks", {"type": "ask", "subject": 7, "gateway": "seoul-7", "window": "2026-11-24:morning", "number": 1,
                  "at": "2026-11-24T00:00:00Z"}),
        ("reports", {"type": "report", "subject": 7, "answers": 1}),
        ("reports", {"type": "checkin", "subject": 7, "window": "2026-11-24:morning", "result": "awake"}),
        ("reports", {"type": "checkin", "subject": 7, "window": "2026-11-24:morning", "result": "out"})]
    metrics.count_outputs([Output(topic, b"7", orjson.dumps(value)) for topic, value in records])
    found = {key: value - before.get(key, 0) for key, value in figures().items() if key[0] == "anbu_asked_up_total"}
    assert found == {("anbu_asked_up_total", "seoul-7,yes"): 1, ("anbu_asked_up_total", "seoul-7,no"): 0}


@pytest.mark.parametrize(("process", "name", "label", "values"), [
    ("worker", "anbu_quarantined_total", "reason", {reason.value for reason in RejectReason}),
    ("gateway", "anbu_sms_seconds_count", "status", {"401", "503"}),
    ("web", "anbu_page_responses_total", "status", {"500", "503"})])
def test_counters_of_alerting_rules_start_at_zero(process: str, name: str, label: str, values: set[str]) -> None:
    """Prometheus sees no rise of a counter that appears with its first count, so no rule would fire."""
    there = {one.labels[label] for family in metrics.CATALOGUE[process].collect() for one in family.samples
             if one.name == name}
    assert values <= there


@pytest.mark.parametrize(("token", "host", "authorization", "may"), [
    (None, "127.0.0.1", None, True), (None, "0.0.0.0", None, False), (None, "0.0.0.0", "Bearer x", False),
    ("x", "0.0.0.0", "Bearer x", True), ("x", "127.0.0.1", None, False), ("x", "0.0.0.0", "Bearer y", False)])
def test_metrics_need_the_token_if_one_is_set_or_off_loopback(token: str | None, host: str, authorization: str | None,
                                                              may: bool) -> None:
    settings = replace(Settings.from_env({}), worker_token=token)
    assert metrics.may_read(settings, host, authorization) is may


def test_a_process_shows_only_its_own_metrics() -> None:
    names = {process: {family.name for family in registry.collect() if family.name.startswith("anbu_")}
             for process, registry in metrics.CATALOGUE.items()}
    assert sum(map(len, names.values())) == len(set().union(*names.values()))
    assert all(names.values())
