"""The deliveries of an alert, and those that are stopped: labelled cases, and properties of every story."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.notices import NOW, notice, routes

from models.notifications.notice import Notice
from models.notifications.routes import Routes
from models.notifications.telling import (
    TOO_OLD_S,
    DeliveryStatus,
    Thread,
    Try,
    before_sending,
    decide,
    decide_all,
    settled,
    until,
    wait_s,
)

HOUR = 3600
NIGHT = NOW - 12 * HOUR  # 21:30 in Seoul


def told(*notices: Notice, now: int = NOW, rules: Routes | None = None) -> dict[tuple[str, int], DeliveryStatus]:
    """The status of each delivery after a whole story, as a database would hold it."""
    held: dict[tuple[str, int], DeliveryStatus] = {}
    thread = Thread()
    for one in notices:
        thread, deliveries, stops = decide(thread, one, rules or routes(), now)
        for delivery in deliveries:
            held.setdefault((delivery.channel, delivery.order), delivery.status)
        for stop in stops:
            for (channel, order), status in held.items():
                if status is DeliveryStatus.QUEUED and order < stop.below and stop.channel in (None, channel):
                    held[channel, order] = DeliveryStatus.SUPERSEDED
    return held


Q, S, X = DeliveryStatus.QUEUED, DeliveryStatus.SUPERSEDED, DeliveryStatus.EXPIRED


@pytest.mark.parametrize(("story", "expected"), [
    ([{}], {("team", 1): Q}),
    ([{"severity": "critical"}], {("team", 1): Q, ("duty", 1): Q}),
    ([{"kind": "weak_signal", "severity": "maintenance"}], {}),
    ([{"site": "mapo"}], {("mail", 1): Q}),
    ([{"kind": "a_newer_kind"}], {("team", 1): Q}),
    ([{"change": "a_newer_change"}], {}),
    ([{"change": "held"}], {}),
    ([{"change": "held"}, {"change": "cleared"}], {}),
    ([{"change": "held"}, {"change": "released"}], {("team", 2): Q}),
    ([{"change": "held"}, {"change": "acknowledged"}, {"change": "released", "acknowledged_by": "Kim"}], {}),
    ([{"change": "held"}, {"change": "acknowledged"}, {"change": "released", "acknowledged_by": "Kim"},
      {"change": "cleared", "acknowledged_by": "Kim"}], {}),
    ([{}, {"change": "raised", "severity": "critical"}], {("team", 1): S, ("team", 2): Q, ("duty", 2): Q}),
    ([{}, {"change": "escalated", "escalated_to": "backup"}], {("team", 1): Q, ("duty", 2): Q}),
    ([{}, {"change": "escalated", "escalated_to": "nobody we know"}], {("team", 1): S, ("team", 2): Q}),
    ([{}, {"change": "acknowledged"}], {("team", 1): S, ("team", 2): Q}),
    ([{"severity": "critical"}, {"change": "acknowledged", "severity": "critical"}],
     {("team", 1): S, ("duty", 1): S, ("team", 2): Q}),
    ([{}, {"change": "commented"}], {("team", 1): Q}),
    # A reminder goes to the channels of its severity, and to the channels of the people to whom the alert went so far.
    ([{}, {"change": "escalated", "escalated_to": "backup"}, {"change": "reminded"}],
     {("team", 1): S, ("duty", 2): S, ("team", 3): Q, ("duty", 3): Q}),
    ([{"change": "reminded", "severity": "critical"}], {("team", 1): Q, ("duty", 1): Q}),
    ([{"severity": "critical"}, {"change": "acknowledged", "severity": "critical"},
      {"change": "reminded", "severity": "critical", "acknowledged_by": "Kim"}],
     {("team", 1): S, ("duty", 1): S, ("team", 2): S, ("team", 3): Q, ("duty", 3): Q}),
    # A channel that was notified of the acknowledgement is notified that no caseworker has the alert any more.
    ([{}, {"change": "escalated", "escalated_to": "backup"}, {"change": "acknowledged"}, {"change": "unacknowledged"}],
     {("team", 1): S, ("duty", 2): S, ("team", 3): S, ("team", 4): Q, ("duty", 4): Q}),
    ([{"change": "held"}, {"change": "acknowledged"}, {"change": "unacknowledged"}], {}),
    ([{"change": "held"}, {"change": "acknowledged"}, {"change": "unacknowledged"}, {"change": "released"}],
     {("team", 4): Q}),
    ([{"change": "held"}, {"change": "acknowledged"}, {"change": "released", "acknowledged_by": "Kim"},
      {"change": "unacknowledged"}], {("team", 4): Q}),
    ([{"kind": "weak_signal", "severity": "maintenance"},
      {"change": "acknowledged", "kind": "weak_signal", "severity": "maintenance"},
      {"change": "unacknowledged", "kind": "weak_signal", "severity": "maintenance"}], {}),
    ([{}, {"change": "cleared"}], {("team", 1): S, ("team", 2): Q}),
    ([{}, {"change": "acknowledged"}, {"change": "repeated"}], {("team", 1): S, ("team", 2): S, ("team", 3): Q}),
    ([{}, {"change": "escalated", "escalated_to": "backup"}, {"change": "cleared"}],
     {("team", 1): S, ("duty", 2): S, ("team", 3): Q, ("duty", 3): Q}),
    ([{"at": NOW - TOO_OLD_S}], {("team", 1): Q}),
    ([{"at": NOW - TOO_OLD_S - 1}], {("team", 1): X}),
    ([{"at": NOW - TOO_OLD_S - 1}, {"change": "cleared"}], {("team", 1): X}),
], ids=str)
def test_the_channels_that_are_notified(story: list[dict[str, Any]],
                                        expected: dict[tuple[str, int], DeliveryStatus]) -> None:
    assert told(*(notice(revision=number, **one) for number, one in enumerate(story, start=1))) == expected


def test_an_expired_revision_does_not_stop_the_revision_before() -> None:
    """A newer revision that is itself too old (a clock was wrong) does not stop the revision before it."""
    assert told(notice(), notice(revision=2, change="raised", at=NOW - TOO_OLD_S - 1)) == {
        ("team", 1): Q, ("team", 2): X}


def test_a_repeat_after_newer_revisions_is_not_sent() -> None:
    """The first copy need not have been read: the group may have begun in between."""
    assert told(notice(revision=2, change="acknowledged"), notice()) == {("team", 1): S}
    assert told(notice(revision=2, change="cleared"), notice()) == {("team", 1): S}
    assert told(notice(revision=2, change="raised"), notice()) == {("team", 1): S, ("team", 2): Q}


def test_a_delivery_without_a_route_is_marked_as_fallback() -> None:
    lead = notice(revision=2, change="escalated", escalated_to="lead")
    (one,) = decide(Thread(), lead, routes(), NOW).deliveries
    assert (one.channel, one.fallback) == ("team", True)
    (one,) = decide(Thread(), notice(), routes(), NOW).deliveries
    assert not one.fallback


@pytest.mark.parametrize(("now", "severity", "due"), [
    (NIGHT, "maintenance", NOW - 2 * HOUR - HOUR // 2),  # 07:00 of the next day
    (NOW - 4 * HOUR, "maintenance", NOW - 2 * HOUR - HOUR // 2),
    (NOW - 2 * HOUR - HOUR // 2, "maintenance", NOW - 2 * HOUR - HOUR // 2),
    (NOW, "maintenance", NOW),
    (NIGHT, "warning", NIGHT),
    (NIGHT, "critical", NIGHT)])
def test_quiet_hours_hold_back_maintenance(now: int, severity: str, due: int) -> None:
    one = decide(Thread(), notice(severity=severity, kind="low_battery", at=now), routes(), now)
    assert {delivery.due for delivery in one.deliveries} == {due}
    assert until(now, due) == due + TOO_OLD_S


def test_a_channel_that_left_the_routes_file_is_not_reminded() -> None:
    thread = decide(Thread({"gone": 1}), notice(revision=2, change="reminded"), routes(), NOW)
    assert [one.channel for one in thread.deliveries] == ["team"]


def outage(lane: int, revision: int, change: str, command: str | None = None) -> Notice:
    return notice("seoul-1", lane=lane, revision=revision, change=change, command=command)


@pytest.mark.parametrize(("story", "expected"), [
    ([(0, 1, "opened")], [1]),
    ([(0, 1, "opened"), (1, 1, "opened"), (2, 1, "opened")], [1]),
    ([(0, 1, "opened"), (1, 1, "opened"), (0, 2, "cleared")], [1]),
    ([(0, 1, "opened"), (1, 1, "opened"), (0, 2, "cleared"), (1, 2, "cleared")], [1, 2]),
    ([(0, 1, "opened"), (0, 1, "opened"), (1, 1, "opened"), (1, 1, "opened")], [1]),
    ([(0, 1, "opened"), (0, 2, "cleared"), (0, 1, "opened"), (0, 2, "cleared")], [1, 2]),
    # A lane that lags: what was said to be over was not; the last clearing is told too.
    ([(0, 1, "opened"), (0, 2, "cleared"), (1, 1, "opened"), (1, 2, "cleared")], [1, 2, 3]),
    ([(0, 2, "cleared")], []),
    # Every lane in which the incident is open repeats a command: the channels are notified of it once.
    ([(0, 1, "opened"), (1, 1, "opened"), (0, 2, "acknowledged", "a"), (1, 2, "acknowledged", "a")], [1, 2]),
    ([(0, 1, "opened"), (0, 2, "acknowledged", "a"), (0, 2, "acknowledged", "a"), (0, 3, "cleared")], [1, 2, 3]),
    ([(0, 2, "acknowledged", "a"), (1, 1, "opened")], [1]),
    ([(0, 1, "opened"), (1, 1, "opened"), (0, 2, "cleared"), (1, 2, "cleared"), (1, 1, "acknowledged", "a")],
     [1, 2])], ids=str)
def test_an_incident_is_sent_at_its_first_opening_each_command_and_its_last_clearing(story: list[Any],
                                                                                    expected: list[int]) -> None:
    assert sorted(order for channel, order in told(*(outage(*one) for one in story)) if channel == "team") == expected


def test_a_command_on_an_incident_goes_to_channels_that_follow_it_up() -> None:
    story = [outage(0, 1, "opened"), outage(0, 2, "commented", "a"), outage(0, 3, "assigned", "b")]
    assert told(*story, rules=routes(gateways={"*": ["log", "duty"]})) == {
        ("log", 1): S, ("duty", 1): Q, ("log", 2): S, ("log", 3): Q}


def test_the_incident_of_a_named_gateway_goes_to_its_channels() -> None:
    assert set(told(notice("seoul-9", lane=0))) == {("mail", 1), ("duty", 1)}


CHANGES = ("opened", "reopened", "repeated", "raised", "escalated", "reminded", "acknowledged", "unacknowledged",
           "assigned", "commented", "held", "released", "cleared")
STORIES = st.lists(st.tuples(st.sampled_from(CHANGES), st.sampled_from(("warning", "critical", "maintenance")),
                             st.sampled_from((None, "backup", "lead"))), min_size=1, max_size=8)


def story_of(made: list[tuple[str, str, str | None]]) -> list[Notice]:
    return [notice(revision=number, change=change, severity=severity, escalated_to=to)
            for number, (change, severity, to) in enumerate(made, start=1)]


@given(STORIES, st.data())
def test_repeated_notices_change_no_decision(made: list[tuple[str, str, str | None]], data: st.DataObject) -> None:
    """Any part of the topic may come again, at any time: the queued deliveries stay the same."""
    story = story_of(made)
    with_repeats: list[Notice] = []
    for number, one in enumerate(story):
        with_repeats.append(one)
        with_repeats += data.draw(st.lists(st.sampled_from(story[:number + 1]), max_size=3))

    def queued(notices: list[Notice]) -> set[tuple[str, int]]:
        return {key for key, status in told(*notices).items() if status is Q}

    assert queued(with_repeats) == queued(story)


@given(STORIES)
def test_no_waiting_delivery_is_older_than_the_revision_that_stopped_it(
        made: list[tuple[str, str, str | None]]) -> None:
    """At most one delivery of an alert waits in each channel, and none from before an acknowledgement or a clearing."""
    story = story_of(made)
    waiting = [key for key, status in told(*story).items() if status is Q]
    assert len({channel for channel, _ in waiting}) == len(waiting)
    stopped = max((one.revision for one in story if one.change in ("acknowledged", "cleared")), default=0)
    assert all(order >= stopped for _, order in waiting)


@given(STORIES)
def test_every_alarm_without_a_caseworker_waits_in_a_channel(made: list[tuple[str, str, str | None]]) -> None:
    """An alarm without a caseworker waits in some channel, or a newer revision of it waits."""
    story = story_of(made)
    waiting = {order for (_, order), status in told(*story).items() if status is Q}
    stopped = max((one.revision for one in story if one.change in ("acknowledged", "cleared")), default=0)
    alarms = [one.revision for one in story if one.revision > stopped and one.severity != "maintenance"
              and one.change in ("opened", "reopened", "repeated", "raised", "released", "escalated", "reminded",
                                 "unacknowledged")]
    if any(one.change == "held" for one in story):  # then no channel is reminded
        alarms = [number for number in alarms if story[number - 1].change not in ("reminded", "unacknowledged")]
    assert not alarms or max(waiting) >= alarms[-1]


@given(STORIES, st.integers(0, 7))
def test_batches_do_not_change_the_decision(made: list[tuple[str, str, str | None]], cut: int) -> None:
    story = story_of(made)
    whole = decide_all(Thread(), story, routes(), NOW)
    first = decide_all(Thread(), story[:cut], routes(), NOW)
    rest = decide_all(first[-1][1].thread if first else Thread(), story[cut:], routes(), NOW)
    assert first + rest == whole


@given(STORIES)
def test_deliveries_that_are_stopped_in_their_own_batch_are_never_sent(made: list[tuple[str, str, str | None]]) -> None:
    """A delivery that a later revision of the same batch stops is never queued, not even for a moment."""
    story = story_of(made)
    batch = {(one.channel, one.order): one.status for _, one in settled(decide_all(Thread(), story, routes(), NOW))}
    assert batch == told(*story)


@pytest.mark.parametrize(("one", "now", "expected"), [
    (Try("opened", 0, NOW, False), NOW, DeliveryStatus.SENDING),
    (Try("opened", 0, NOW, False), NOW + 1, DeliveryStatus.EXPIRED),
    (Try("opened", 3, NOW, False), NOW + 1, DeliveryStatus.FAILED),
    (Try("opened", 1, NOW, False, "revision 2: cleared"), NOW, DeliveryStatus.SUPERSEDED),
    (Try("cleared", 0, NOW, True), NOW, DeliveryStatus.SENDING),
    (Try("cleared", 0, NOW, False), NOW, DeliveryStatus.SUPERSEDED),
    (Try("acknowledged", 0, NOW, False), NOW, DeliveryStatus.SUPERSEDED),
    # It may have stopped the opening that was queued: then it is the first that is heard of the alert.
    (Try("commented", 0, NOW, False), NOW, DeliveryStatus.SENDING)])
def test_a_delivery_is_checked_before_it_is_sent(one: Try, now: float, expected: DeliveryStatus) -> None:
    assert before_sending(one, now)[0] is expected


@pytest.mark.parametrize(("attempts", "dice", "asked", "expected"), [
    (1, 0.0, None, 1.0), (1, 1.0, None, 2.0), (2, 1.0, None, 4.0), (9, 1.0, None, 300.0), (10 ** 6, 0.0, None, 150.0),
    (1, 0.5, 30.0, 30.0), (9, 1.0, 30.0, 300.0), (1, 0.5, 86_400.0, 900.0)])
def test_the_wait_before_a_retry(attempts: int, dice: float, asked: float | None, expected: float) -> None:
    assert wait_s(attempts, dice, asked) == expected
