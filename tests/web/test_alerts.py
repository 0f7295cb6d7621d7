"""Alerts go by id and revision, whatever the order in which they come and however often."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.page import MORNING, NOW, checkin, event
from support.vectors import SCENARIOS, VECTORS, read_lines

from models.errors import ContractError
from models.window import Window
from web.alerts import AlertOnPage, Key, alert_of_document, alert_of_event, merge
from web.changes import PageChanges
from web.checkins import checkin_of
from web.live import KEPT_ENDED, KEPT_WINDOWS, LaneJudgedUntil, Live

LIFE = [("opened", None), ("escalated", None), ("acknowledged", "kim"), ("commented", "kim"), ("cleared", "kim")]


def revisions() -> list[dict[str, Any]]:
    return [event(7, "sos", number, change, by=by, text="hello" if change == "commented" else None)
            for number, (change, by) in enumerate(LIFE, 1)]


def together(events: list[dict[str, Any]]) -> AlertOnPage | None:
    found: AlertOnPage | None = None
    for one in events:
        found = merge(found, alert_of_event(one))
    return found


@given(st.lists(st.sampled_from(range(len(LIFE))), max_size=12), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_change_the_alert(again: list[int], dice: random.Random) -> None:
    events = revisions() + [revisions()[number] for number in again]
    dice.shuffle(events)
    found = together(events)
    assert found == together(revisions())
    assert found is not None
    assert (found.newest.revision, found.active, len(found.steps)) == (5, False, 5)
    assert [step.text for step in found.comments] == ["hello"]


def test_an_older_revision_that_arrives_later_changes_only_the_history() -> None:
    found = together([revisions()[2], revisions()[0]])
    assert found is not None
    assert found.newest.change == "acknowledged"
    assert [step.revision for step in found.steps] == [1, 3]


HELD = [
    (["held"], True),
    (["held", "acknowledged"], True),
    (["held", "acknowledged", "released"], False),
    (["opened", "commented"], False),
    (["commented"], False),
]


@pytest.mark.parametrize(("changes", "held"), HELD, ids=["-".join(changes) for changes, _ in HELD])
def test_an_alert_is_held_until_it_is_released(changes: list[str], held: bool) -> None:
    found = together([event(7, "no_report", number, change) for number, change in enumerate(changes, 1)])
    assert found is not None
    assert found.held is held


def test_an_incident_is_identified_with_its_lane() -> None:
    found = alert_of_event(event("seoul-1", "gateway_outage", lane=3))
    assert (found.key, found.subject, found.gateway) == (Key("gateway_outage:seoul-1:0.1.1", 3), None, "seoul-1")


BROKEN: list[Any] = [
    {}, {"data": None, "subject": "7"}, {"data": {}, "subject": "7"}, event("x", "sos"), event(7, "sos", why=None),
    event(7, "sos", opened_at="now"), event(7, "sos", revision="x"),  # type: ignore[arg-type]  # that is what is tested
]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_alert_raises_a_contract_error(broken: Any) -> None:
    with pytest.raises(ContractError):
        alert_of_event(broken)


@pytest.mark.parametrize("broken", [{}, {**checkin(1, "awake"), "window": "noon"}, {**checkin(1, "awake"), "id": "x"}],
                         ids=["empty", "no window", "no revision"])
def test_a_broken_checkin_raises_a_contract_error(broken: Any) -> None:
    with pytest.raises(ContractError):
        checkin_of(broken)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_judged_day_ends_the_same_in_any_order(scenario: str) -> None:
    records = [line["value"] for line in read_lines(VECTORS / "scenarios" / f"{scenario}.out.jsonl")]
    events = [one for one in records if one.get("specversion")]
    checkins = [one for one in records if one.get("type") == "checkin"]
    ends = []
    for seed in range(3):
        dice, live = random.Random(seed), Live(PageChanges())
        dice.shuffle(events)
        dice.shuffle(checkins)
        for one in events:
            live.take_alert(alert_of_event(one))
        newest = max((Window.parse(one["window"]) for one in checkins), default=0)
        for one in checkins:
            if Window.parse(one["window"]) > newest - KEPT_WINDOWS:  # which of the older ones are kept, order decides
                live.take_checkin(checkin_of(one))
        ends.append((live.alerts, live.checkins))
    assert ends[0] == ends[1] == ends[2]


def test_a_document_is_the_same_as_the_revisions_it_was_made_from() -> None:
    events = revisions()
    steps = {str(one["data"]["revision"]): {"at": one["time"], **one["data"]} for one in events}
    document = {**events[-1]["data"], "subject": 7, "revisions": json.loads(json.dumps(steps))}
    assert alert_of_document(document) == together(events)
    incident = event("seoul-1", "gateway_outage", lane=2)
    steps = {"1": {"at": incident["time"], **incident["data"]}}
    document = {**incident["data"], "gateway": "seoul-1", "revisions": steps}
    assert alert_of_document(document) == alert_of_event(incident)


def test_a_repeated_record_is_no_change_of_the_page() -> None:
    changes = PageChanges()
    live = Live(changes)
    live.take_alert(alert_of_event(event(7, "sos")))
    live.take_checkin(checkin_of(checkin(7, "silent", revision=2)))
    live.take_progress(0, LaneJudgedUntil({"seoul-1": NOW}, 1.0))
    before = changes.id
    live.take_alert(alert_of_event(event(7, "sos")))
    live.take_checkin(checkin_of(checkin(7, "awake", revision=1)))
    live.take_progress(0, LaneJudgedUntil({"seoul-1": NOW}, 2.0))
    assert changes.id == before
    assert live.checkins[Window.parse(MORNING)][7].result == "silent"


def test_memory_is_bounded_and_open_alerts_stay() -> None:
    live = Live(PageChanges())
    live.take_alert(alert_of_event(event(1, "low_battery", at=NOW - 10**6)))
    ended = [alert_of_event(event(number, "sos", change="cleared", at=NOW + number))
             for number in range(2, KEPT_ENDED + 3)]
    for one in ended:
        live.take_alert(one)
    assert Key("1:low_battery:0.1.1", None) in live.alerts
    assert len(live.alerts) <= KEPT_ENDED
    assert ended[-1].key in live.alerts
    assert ended[0].key not in live.alerts
    for day in range(10, 25):
        live.take_checkin(checkin_of(checkin(1, "awake", f"2026-11-{day}:morning")))
    live.take_checkin(checkin_of(checkin(1, "awake", "2026-11-09:morning")))
    assert sorted(live.checkins) == [Window.parse(f"2026-11-{day}:morning") for day in range(19, 25)]
