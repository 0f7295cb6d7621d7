"""A later revision stops a waiting delivery, and the end of an alert is sent only if its beginning was sent."""

import asyncio
from typing import Any

import pytest
from support.endpoint import Answer, Endpoint
from support.notices import NOW, event
from support.notifier import PATIENCE_S, Running, receipts, settled, until, until_tried

from agents import sender
from models.notifications.telling import TOO_OLD_S
from notifiers.routes_file import LoadedRoutes
from stores.deliveries import Deliveries
from stores.mongo import Store


@pytest.mark.parametrize(("later", "expected"), [
    ({"change": "acknowledged"}, {"1/team": "superseded", "2/team": "superseded"}),
    ({"change": "cleared"}, {"1/team": "superseded", "2/team": "superseded"}),
    ({"change": "raised"}, {"1/team": "superseded", "2/team": "sent"}),
    ({"change": "escalated", "escalated_to": "backup"}, {"1/team": "sent", "2/duty": "sent"}),
    ({"change": "commented"}, {"1/team": "sent"})], ids=lambda one: str(one.get("change", "")))
async def test_a_later_revision_stops_a_waiting_delivery(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                         later: dict[str, Any], expected: dict[str, str]) -> None:
    """The later revision need not be read yet: no delivery goes out before its lane is read to the end."""
    one = Running(outbox, loaded)
    one.lanes.known = set()
    async with one.sending():
        await one.take(event())
        await asyncio.sleep(0.3)
        assert await receipts(store) == {"1/team": "queued"}
        await one.take(event(revision=2, **later))
        one.lanes.known = {0}
        one.senders.wake()
        await settled(store, expected)


async def test_a_sent_alert_is_followed_up(outbox: Deliveries, store: Store, loaded: LoadedRoutes, slack: Endpoint,
                                           duty: Endpoint) -> None:
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event(severity="critical"))
        await settled(store, {"1/team": "sent", "1/duty": "sent"})
        await one.take(event(revision=2, change="acknowledged", severity="critical", by="Kim", acknowledged_by="Kim"))
        await settled(store, {"1/team": "sent", "1/duty": "sent", "2/team": "sent"})  # else the end overtakes it
        await one.take(event(revision=3, change="cleared", severity="critical"))
        await settled(store, {"1/team": "sent", "1/duty": "sent", "2/team": "sent", "3/team": "sent", "3/duty": "sent"})
    assert "Kim" not in str(slack.requests)
    assert [request.json["text"].splitlines()[0] for request in duty.requests] == [
        "[Anbu CRITICAL] jongno, no. 42: No report", "[Anbu Closed] jongno, no. 42: No report"]


async def test_a_clearing_during_an_attempt_is_sent_after_it(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                             slack: Endpoint) -> None:
    """An attempt in hand is neither cancelled nor repeated. The clearing is sent: the alarm may have arrived."""
    slack.answers.append(Answer(cut=True, delay_s=0.6))
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        await until(lambda: len(slack.requests) == 1)
        await one.take(event(revision=2, change="cleared"))
        await settled(store, {"1/team": "superseded", "2/team": "sent"})
    assert len(slack.requests) == 2


async def test_a_delivery_that_was_stopped_while_its_sender_was_dead_is_not_repeated(outbox: Deliveries, store: Store,
                                                                                     loaded: LoadedRoutes,
                                                                                     slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(event())
    (due,) = await outbox.due("team", {0}, NOW, 9)
    await outbox.claim([due], "a process that is gone", NOW + sender.CLAIM_S)
    await one.take(event(revision=2, change="cleared"))
    one.clock.at += sender.CLAIM_S + 1
    async with one.sending():  # the alarm may have gone out: that it is over is told, the alarm is not told again
        await settled(store, {"1/team": "superseded", "2/team": "sent"})
    assert [request.json["text"].split()[1] for request in slack.requests] == ["종료]"]


async def test_a_failed_delivery_is_not_sent_again_after_the_alert_ended(outbox: Deliveries, store: Store,
                                                                         loaded: LoadedRoutes, slack: Endpoint) -> None:
    slack.answers.append(Answer(404))
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        await settled(store, {"1/team": "failed"})
        await one.take(event(revision=2, change="acknowledged"))
        await settled(store, {"1/team": "failed", "2/team": "superseded"})
        assert await outbox.retry_failed(None, NOW) == 0
    assert await receipts(store) == {"1/team": "superseded", "2/team": "superseded"}


@pytest.mark.parametrize(("opening", "expected"), [
    (Answer(404), {"1/team": "failed", "2/team": "superseded"}),             # it refused
    (Answer(503), {"1/team": "superseded", "2/team": "superseded"}),         # it said that it has not taken it
    (Answer(cut=True), {"1/team": "superseded", "2/team": "sent"}),          # nobody knows
    (Answer(), {"1/team": "sent", "2/team": "sent"})], ids=["refused", "busy", "cut", "taken"])
async def test_the_end_is_sent_if_the_beginning_may_have_been_sent(outbox: Deliveries, store: Store,
                                                                   loaded: LoadedRoutes, slack: Endpoint,
                                                                   opening: Answer, expected: dict[str, str]) -> None:
    slack.answers.append(opening)
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        async with asyncio.timeout(PATIENCE_S):  # until the attempt has come to its end
            while not await store.database.deliveries.count_documents({"status": {"$ne": "sending"}, "attempts": 1}):
                await asyncio.sleep(0.02)
        await one.take(event(revision=2, change="cleared"))
        await settled(store, expected)


async def test_the_end_is_not_sent_if_the_beginning_expired_unsent(outbox: Deliveries, store: Store,
                                                                   loaded: LoadedRoutes, slack: Endpoint) -> None:
    slack.usual = Answer(503)
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        await until_tried(store, 1)
        one.clock.at = NOW + TOO_OLD_S + 1
        one.senders.wake()
        await settled(store, {"1/team": "failed"})
        slack.usual = Answer()
        await one.take(event(revision=2, change="cleared", at=NOW + TOO_OLD_S + 1))
        await settled(store, {"1/team": "failed", "2/team": "superseded"})
