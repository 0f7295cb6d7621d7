"""Hundreds of alerts after an outage: one message for many, a receipt for each alert, and an SOS before them all."""

import asyncio
import re
import threading
from typing import Any

import pytest
from support.endpoint import Answer, Endpoint, Request
from support.notices import NOW, event
from support.notifier import PATIENCE_S, Running, routes_to, statuses, until, until_all, until_tried

from agents import sender
from models.notifications.gathering import FEW, GATHERING_S
from notifiers.routes_file import LoadedRoutes
from stores.deliveries import Deliveries
from stores.mongo import Store

MANY = 60


def backlog(number: int = MANY, **facts: Any) -> list[dict[str, Any]]:
    return [event(100 + one, **facts) for one in range(number)]


def sos(subject: int = 7) -> dict[str, Any]:
    return event(subject, "sos", severity="critical")


def text(request: Request) -> str:
    return str(request.json["blocks"][0]["text"]["text"])


def told_in(request: Request) -> set[int]:
    """The people that a Korean message on Slack names."""
    return {int(one) for some in re.findall(r"jongno ([\d, ]+)번", text(request)) for one in some.split(", ")}


async def digests(store: Store) -> set[str | None]:
    return {one.get("digest") async for one in store.database.deliveries.find({"status": "sent"})}


async def test_a_backlog_is_one_digest_and_each_alert_has_its_receipt(outbox: Deliveries, store: Store,
                                                                      loaded: LoadedRoutes, slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(*backlog())
    await one.take(event(100, revision=2, change="acknowledged"))
    async with one.sending():
        await until_all(store)
    assert len(slack.requests) == 1
    assert told_in(slack.requests[0]) == set(range(101, 100 + MANY))
    found = await statuses(store)
    assert {status for name, status in found.items() if name.startswith("100/")} == {"superseded"}
    assert [status for name, status in found.items() if not name.startswith("100/")] == ["sent"] * (MANY - 1)
    (digest,) = await digests(store)
    assert digest is not None
    assert digest.startswith("digest/team/")


async def test_an_emergency_goes_before_the_backlog(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                    slack: Endpoint) -> None:
    slack.usual = Answer(delay_s=0.2)
    one = Running(outbox, loaded)
    await one.take(*backlog(severity="critical"), sos())
    async with one.sending():
        await until_all(store)
    assert sorted(len(told_in(request)) for request in slack.requests) == [1, MANY]
    assert "SOS" in text(slack.requests[0])


async def test_an_emergency_does_not_wait_for_the_pause_of_the_backlog(outbox: Deliveries, store: Store,
                                                                       loaded: LoadedRoutes, slack: Endpoint) -> None:
    slack.answers.append(Answer(429, headers={"retry-after": "1800"}))
    one = Running(outbox, loaded)
    await one.take(*backlog())
    async with one.sending():
        await until_tried(store, 1)
        await one.take(sos())
        await until(lambda: len(slack.requests) == 2)
        assert "SOS" in text(slack.requests[1])
        one.clock.at += 901  # of the half hour that was asked for a quarter counts
        one.senders.wake()
        await until_all(store)
    assert len(slack.requests) == 3
    assert len(told_in(slack.requests[2])) == MANY


async def test_an_emergency_is_sent_although_a_slow_channel_is_full(outbox: Deliveries, duty: Endpoint) -> None:
    answering = threading.Event()

    def hang(request: Request) -> None:
        if "SOS" not in text(request):
            answering.wait(PATIENCE_S)

    with Endpoint(arrived=hang) as slack:
        one = Running(outbox, routes_to(slack, duty))
        async with one.sending():
            await one.take(*backlog(FEW))
            await until(lambda: len(slack.requests) == sender.AT_ONCE)
            await one.take(sos())
            await until(lambda: any("SOS" in text(request) for request in slack.requests))
            assert len(slack.requests) == sender.AT_ONCE + 1
            answering.set()


async def test_an_emergency_is_retried_soon_whatever_pause_the_channel_asks(outbox: Deliveries, store: Store,
                                                                            loaded: LoadedRoutes,
                                                                            slack: Endpoint) -> None:
    slack.answers.append(Answer(429, headers={"retry-after": "3600"}))
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(sos())
        await until_tried(store, 1)
        one.clock.at += 31
        one.senders.wake()
        await until(lambda: len(slack.requests) == 2)


async def test_a_long_bad_morning_gives_a_few_messages_and_then_one_a_minute(outbox: Deliveries, store: Store,
                                                                             loaded: LoadedRoutes,
                                                                             slack: Endpoint) -> None:
    """An alert opens every ten seconds for ten minutes. The delay before each one is read is random."""
    one = Running(outbox, loaded)
    async with one.sending():
        for number in range(MANY):
            await one.take(event(100 + number))
            await asyncio.sleep(0.05)
            one.clock.at += 10
        async with asyncio.timeout(PATIENCE_S):
            while await outbox.waiting():
                one.clock.at += 10
                one.senders.wake()
                await asyncio.sleep(0.05)
    assert MANY / 10 <= len(slack.requests) <= FEW + sender.AT_ONCE + 12
    assert sorted(one for request in slack.requests for one in told_in(request)) == list(range(100, 100 + MANY))


async def test_a_digest_by_sms_drops_no_person(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                               duty: Endpoint) -> None:
    """Alerts that do not fit into one message are in the next one."""
    one = Running(outbox, loaded)
    await one.take(*[event(10 ** 6 + number, change="escalated", escalated_to="backup") for number in range(150)])
    async with one.sending():
        async with asyncio.timeout(PATIENCE_S):
            while await outbox.waiting():
                one.clock.at += GATHERING_S
                one.senders.wake()
                await asyncio.sleep(0.1)
    texts = [str(request.json["text"]) for request in duty.requests]
    assert 1 < len(texts) <= 5
    assert all(len(one) <= 670 for one in texts)
    named = [int(number) for one in texts for number in re.findall(r"\d{7}", one)]
    assert sorted(named) == [10 ** 6 + number for number in range(150)]


async def test_a_webhook_gets_each_event_by_itself(outbox: Deliveries, store: Store, slack: Endpoint,
                                                   duty: Endpoint) -> None:
    loaded = routes_to(slack, duty, team={"type": "webhook", "url": f"{slack.url}/hook", "secret": "a secret"})
    one = Running(outbox, loaded)
    await one.take(*backlog())
    async with one.sending():
        await until_all(store)
    assert {request.json["subject"] for request in slack.requests} == {str(100 + number) for number in range(MANY)}
    assert len(slack.requests) == MANY
    assert await digests(store) == {None}


async def test_a_digest_that_failed_is_sent_again_whole_with_the_same_id(outbox: Deliveries, store: Store,
                                                                         loaded: LoadedRoutes, duty: Endpoint) -> None:
    duty.answers.append(Answer(503))
    one = Running(outbox, loaded)
    await one.take(*[event(100 + number, change="escalated", escalated_to="backup") for number in range(20)])
    async with one.sending():
        await until_tried(store, 1)
        one.clock.at += GATHERING_S
        one.senders.wake()
        await until_all(store)
    first, second = duty.requests
    assert first.json == second.json
    assert await digests(store) == {first.json["id"]}


@pytest.mark.parametrize("cleared", [False, True])
async def test_a_digest_whose_sender_died_is_sent_again_and_says_so(outbox: Deliveries, store: Store,
                                                                    loaded: LoadedRoutes, slack: Endpoint, *,
                                                                    cleared: bool) -> None:
    one = Running(outbox, loaded)
    await one.take(*backlog(20))
    gone = await outbox.claim(await outbox.due("team", {0}, NOW, 50), "a process that is gone", NOW + sender.CLAIM_S)
    assert len(gone) == 20
    if cleared:  # it may have been told: the end is told, and the beginning not again
        await one.take(event(100, revision=2, change="cleared"))
    one.clock.at += sender.CLAIM_S + 1
    async with one.sending():
        await until_all(store)
    (request,) = slack.requests
    assert told_in(request) == set(range(100, 120))
    assert "이미 받으셨을" in text(request)
    assert ("종료 · 보고 없음: jongno 100번" in text(request)) is cleared
    assert await outbox.receipt(gone, gone[0].status, "I come too late", NOW) == 0


async def test_an_unreadable_delivery_does_not_stop_a_digest(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                             slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(*backlog(20))
    await store.database.deliveries.update_one({"subject": 103}, {"$unset": {"event.data.why": ""}})
    async with one.sending():
        await until_all(store)
    assert len(told_in(slack.requests[-1])) == 19
    assert [status for name, status in (await statuses(store)).items() if status != "sent"] == ["failed"]
