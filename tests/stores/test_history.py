"""Any record gives changes or a ContractError, and a batch of any records never stops `record`."""

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.expected_history import Said
from support.history import clear, record_of
from support.journals import ON_A_DATABASE, alerts, checkins, registry, reports

from agents.record import RecordAgent
from models.contract.documents import Output
from models.contract.inputs import Record
from models.errors import ContractError
from stores.mongo import Store
from stores.projection.history import changes_of, subject_of_record
from stores.projection.operations import DocumentChange, merged

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(allow_nan=False)
    | st.text(max_size=5) | st.sampled_from(["$x", "a.b", "2026-11-24:morning", "0.1.17", "9" * 5000]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=3)


@st.composite
def broken(draw: st.DrawFn) -> Record:
    """A record of which one field, at the top or one below, is anything or missing."""
    said = draw((reports() | checkins() | alerts() | registry()).filter(bool).flatmap(st.sampled_from))
    value: Any = None if said.value is None else orjson.loads(orjson.dumps(said.value))
    if value is None:
        return record_of(Said(said.topic, said.offset, draw(st.text(max_size=12)), None))
    target = draw(st.sampled_from([value, *(one for one in value.values() if isinstance(one, dict) and one)]))
    field = draw(st.sampled_from(sorted(target)))
    if draw(st.booleans()):
        target[field] = draw(anything)
    else:
        del target[field]
    return record_of(said._replace(value=value))


@settings(deadline=None)  # a busy machine is no mistake
@given(record=broken())
def test_a_record_of_any_shape_raises_only_a_contract_error(record: Record) -> None:
    subject_of_record(record)
    with contextlib.suppress(ContractError):
        for change in merged([*changes_of(record), *changes_of(record)]):
            change.applied(change.applied(None))


@ON_A_DATABASE
@given(records=st.lists(broken(), min_size=1, max_size=5))
async def test_the_agent_gets_to_the_end_of_any_batch(store: Store, records: list[Record]) -> None:
    quarantined: list[Output] = []

    async def quarantine(outputs: list[Output]) -> None:
        quarantined.extend(outputs)

    async def never(seconds: float) -> None:
        raise AssertionError(f"it would wait {seconds} s for a database that is there")

    await clear(store)
    await RecordAgent(store, quarantine, sleep=never).handle([_consumed(record) for record in records])
    assert all(output.topic == "quarantine" for output in quarantined)


def _consumed(record: Record) -> Any:
    return record  # what the agent reads of a consumer's record, a record of the core has as well


@pytest.mark.parametrize("revision", ["1", 1.0, True, None])
def test_a_revision_is_a_number(revision: Any) -> None:
    record = record_of(Said("alerts", 0, "7", {"subject": "7", "data": {
        "alert": "7:sos:0.1.17", "revision": revision, "kind": "sos"}}))
    with pytest.raises(ContractError, match="revision"):
        changes_of(record)


def test_the_newer_of_two_in_a_batch_stays() -> None:
    def alert(revision: int) -> list[DocumentChange]:
        return [DocumentChange("alerts", "a", {}, revision, {"text": str(revision)})]

    for order in ([10, 9], [9, 10]):
        [change] = merged([one for revision in order for one in alert(revision)])
        assert (change.version, change.state) == (10, {"text": "10"})


def test_a_refused_command_leaves_nothing() -> None:
    refused = {"type": "refused", "id": "c1", "subject": 7, "command": "acknowledge", "alert": "7:sos:0.1.17",
               "reason": "not_open", "by": "kim", "at": "2026-11-24T00:30:00Z"}
    assert changes_of(record_of(Said("reports", 0, "7", refused))) == []
    of_gateway = {**refused, "subject": None, "gateway": "seoul-1"}
    assert changes_of(record_of(Said("reports", 0, "seoul-1", of_gateway))) == []


def _report(name: str, clock: str, received: str, battery: int, flags: tuple[str, ...] = ()) -> Record:
    return record_of(Said("reports", 0, "7", {
        "type": "report", "id": name, "subject": 7, "site": "jongno", "device_time": clock, "received_at": received,
        "late": False, "window": None, "result": None, "battery_pct": battery, "signal_dbm": None, "temp_c": None,
        "humidity_pct": None, "idle_min": None, "first_activity": None, "activity": [0] * 24, "flags": list(flags),
        "answers": None, "attrs": [], "sms": {"id": None, "gateway": "seoul-1"}}))


def _device(records: list[Record]) -> dict[str, Any]:
    changes = merged([change for record in records for change in changes_of(record)])
    [device] = [change.applied(None) for change in changes if change.collection == "devices"]
    return device


def test_the_device_shows_its_newest_report_after_its_counter_fell_back() -> None:
    before = _report("0.1.200", "2026-11-24T00:00:00Z", "2026-11-24T00:00:05Z", 80)
    after = _report("0.1.150@2026-11-24T06:00:00Z", "2026-11-24T06:00:00Z", "2026-11-24T06:00:05Z", 79)
    for records in ([before, after], [after, before]):
        assert _device(records)["heard"]["report"] == "0.1.150@2026-11-24T06:00:00Z"
        assert _device(records)["measured"]["battery_pct"]["v"] == 79


def test_the_device_shows_its_newest_report_after_its_clock_was_lost() -> None:
    before = _report("0.1.200", "2026-11-24T00:00:00Z", "2026-11-24T00:00:05Z", 80)
    after = _report("0.1.201", "2020-01-01T00:00:00Z", "2026-11-24T06:00:05Z", 79, ("clock",))
    for records in ([before, after], [after, before]):
        assert _device(records)["heard"]["report"] == "0.1.201"


def test_two_reports_with_one_counter_are_both_kept() -> None:
    records = [_report("0.1.150", "2026-11-24T00:00:00Z", "2026-11-24T00:00:05Z", 80),
               _report("0.1.150@2026-11-24T06:00:00Z", "2026-11-24T06:00:00Z", "2026-11-24T06:00:05Z", 79)]
    changes = merged([change for record in records for change in changes_of(record)])
    [week] = [change for change in changes if change.collection == "buckets"]
    assert set(week.applied(None)["reports"]) == {"0-1-150", "0-1-150@2026-11-24T06:00:00Z"}
