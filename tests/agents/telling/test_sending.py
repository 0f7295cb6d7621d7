"""The worker of the lane sends each due delivery once and keeps a receipt. No channel waits for another."""

import asyncio
import contextlib

import pytest
from support.endpoint import Answer, Endpoint
from support.notices import NOW, event
from support.notifier import PATIENCE_S, Running, receipts, receipts_of, routes_to, settled, statuses, until, until_all
from support.page import StoppedClock

from agents import sender
from models.notifications.telling import TOO_OLD_S
from notifiers.routes_file import LoadedRoutes
from runtime.metrics import DELIVERIES, REGISTRY
from stores.deliveries import Deliveries
from stores.mongo import Store


async def test_a_delivery_is_sent_once_and_has_a_receipt(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                         slack: Endpoint, duty: Endpoint) -> None:
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event(severity="critical"))
        await settled(store, {"1/team": "sent", "1/duty": "sent"})
        await one.take(event(severity="critical"))  # a repeat, as after a fault
        await one.take(event(7))
        await until(lambda: len(slack.requests) == 2)
    assert (len(slack.requests), len(duty.requests)) == (2, 1)
    assert duty.requests[0].json["id"] == "42/42:no_report:2026-11-24:morning/1/duty"
    document = await store.database.deliveries.find_one({"channel": "duty"})
    assert document is not None
    assert ("event" in document, document["attempts"], document["subject"]) == (False, 1, 42)


async def test_a_slow_channel_does_not_delay_other_channels(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                            slack: Endpoint, duty: Endpoint) -> None:
    slack.usual = Answer(delay_s=1.5)
    one = Running(outbox, loaded)
    async with one.sending():
        for subject in range(1, 4):
            await one.take(event(subject, severity="critical"))
        await until(lambda: len(duty.requests) == 3)
        found = await receipts(store)
        assert not any(status == "sent" for name, status in found.items() if name.endswith("team"))


async def test_maintenance_alerts_wait_for_the_end_of_quiet_hours(outbox: Deliveries, store: Store,
                                                                  loaded: LoadedRoutes, slack: Endpoint) -> None:
    night = NOW - 12 * 3600
    one = Running(outbox, loaded, StoppedClock(night))
    async with one.sending():
        await one.take(event(1, "low_battery", severity="maintenance", at=night))
        await one.take(event(2, "low_battery", severity="maintenance", at=night))
        await one.take(event(2, "low_battery", 2, "cleared", severity="maintenance", at=night + 60))
        await one.take(event(3, at=night))
        await until(lambda: len(slack.requests) == 1)
        one.clock.at = NOW - 3600  # 08:30: later than six hours, but not after the quiet hours
        one.senders.wake()
        await until(lambda: len(slack.requests) == 2)
        await until_all(store)
    assert [request.json["text"].split(":")[0] for request in slack.requests] == ["[안부 주의] jongno 3번",
                                                                                 "[안부 점검] jongno 1번"]


async def test_two_workers_send_it_once(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                        slack: Endpoint) -> None:
    slack.usual = Answer(delay_s=0.2)
    first, second = Running(outbox, loaded), Running(outbox, loaded)
    async with first.sending(), second.sending():
        for subject in range(1, 9):
            await first.take(event(subject))
            second.senders.wake()
        await until_all(store)
    assert len(slack.requests) == 8


async def test_deliveries_of_other_workers_lanes_are_not_sent(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                              slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    one.lanes.has = {1}
    async with one.sending():
        await one.take(event(7), lane=0)
        await one.take(event(8), lane=1)
        await until(lambda: len(slack.requests) == 1)
    assert await receipts_of(store, "7") == ["queued"]


async def test_a_lane_that_is_not_read_does_not_delay_another(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                              slack: Endpoint) -> None:
    """The other lane has very many due deliveries, and they are urgent."""
    one = Running(outbox, loaded)
    one.lanes.known = {1}
    async with one.sending():
        await one.take(*(event(100 + number, severity="critical") for number in range(sender.AT_ONCE * 5)), lane=0)
        await one.take(event(8), lane=1)
        await until(lambda: len(slack.requests) == 1)
    assert await receipts_of(store, "8") == ["sent"]  # what was in hand is finished
    assert set(await receipts_of(store, "100")) == {"queued"}


async def test_no_message_goes_out_about_an_erased_person(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                          slack: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    one = Running(outbox, loaded)
    await one.take(event(7))
    await store.database.erased.insert_many([{"_id": "7", "schema": 1}, {"_id": "8", "schema": 1}])
    await one.take(event(8), event(9), event(8, revision=2, change="cleared"))
    [said] = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert said.startswith("no notification for 8:no_report:2026-11-24:morning (opened): 8 was erased")
    async with one.sending():
        await until(lambda: len(slack.requests) == 1)
        await until_all(store)
    assert await statuses(store) == {
        "7/7:no_report:2026-11-24:morning/1/team": "superseded", "9/9:no_report:2026-11-24:morning/1/team": "sent"}


async def test_deliveries_that_are_too_old_are_not_sent(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                        slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(event(at=NOW - TOO_OLD_S - 1), event(7))
    one.clock.at += TOO_OLD_S + 1  # while nothing ran
    async with one.sending():
        async with asyncio.timeout(PATIENCE_S):
            while set((await statuses(store)).values()) != {"expired"}:
                await asyncio.sleep(0.02)
    assert slack.requests == []


async def test_a_delivery_to_a_removed_channel_fails(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                     slack: Endpoint, duty: Endpoint) -> None:
    more = {"type": "slack", "url": f"{slack.url}/more"}
    one = Running(outbox, routes_to(slack, duty, more=more))
    await one.take(event())
    await store.database.deliveries.update_many({}, {"$set": {"channel": "more"}})
    lost = {"channel": "unknown", "status": "failed"}
    with contextlib.suppress(KeyError):
        DELIVERIES.remove(*lost.values())
    second = Running(outbox, loaded, StoppedClock(NOW + 601))
    assert REGISTRY.get_sample_value("anbu_deliveries_total", lost) == 0  # there before it counts: a rule sees it rise
    async with second.sending():
        await settled(store, {"1/team": "failed"})
    assert (await outbox.trouble("2026-11-24T00:00:00Z"))[0].why == "the channel is no longer in the routes file"
