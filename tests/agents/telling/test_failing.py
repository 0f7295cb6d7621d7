"""Channels fail, are slow and come back, and a sender dies: no delivery is lost, and each failure is reported."""

import asyncio

from support.endpoint import Answer, Endpoint
from support.notices import NOW, event
from support.notifier import Running, receipts, routes_to, settled, until, until_tried

from agents import sender
from models.notifications.telling import TOO_OLD_S, DeliveryStatus
from notifiers.routes_file import LoadedRoutes
from stores.deliveries import Deliveries
from stores.mongo import Store


async def test_a_failed_delivery_is_retried(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                            slack: Endpoint) -> None:
    slack.answers += [Answer(503), Answer(cut=True)]
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        for number in (1, 2):
            await until_tried(store, number)
            one.clock.at += 10
            one.senders.wake()
        await settled(store, {"1/team": "sent"})
    texts = [request.json["blocks"][0]["text"]["text"] for request in slack.requests]
    # The second may have arrived: the third says so. The first had an answer.
    assert ["이미 받으셨을" in text for text in texts] == [False, False, True]


async def test_too_many_requests_pause_the_whole_channel(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                         slack: Endpoint) -> None:
    slack.answers.append(Answer(429, headers={"retry-after": "30"}))
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event(1))
        await until_tried(store, 1)
        await one.take(event(2))
        one.clock.at += 29
        one.senders.wake()
        await asyncio.sleep(0.3)
        assert len(slack.requests) == 1
        one.clock.at += 2
        one.senders.wake()
        await until(lambda: len(slack.requests) == 3)


async def test_each_answer_of_a_provider_gives_a_receipt(outbox: Deliveries, store: Store, slack: Endpoint,
                                                         duty: Endpoint) -> None:
    """A mail server answers in EUC-KR. Without a receipt the mail would go out again and again."""
    mails: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                mails.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"250 " + "접수".encode("euc-kr") + b"\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        team = {"type": "email", "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "security": "none",
                "from": "anbu@example.org", "to": ["team@example.org"]}
        one = Running(outbox, routes_to(slack, duty, team=team))
        async with one.sending():
            await one.take(event())
            await settled(store, {"1/team": "sent"})
    assert len(mails) == 1


async def test_a_delivery_that_is_given_up_is_listed_and_can_be_retried(outbox: Deliveries, store: Store,
                                                                        loaded: LoadedRoutes, slack: Endpoint,
                                                                        duty: Endpoint) -> None:
    slack.usual = Answer(404, "no_service")
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        await settled(store, {"1/team": "failed"})
    (trouble,) = await outbox.trouble("2026-11-24T00:00:00Z")
    assert trouble == ("team", 1, 0, "HTTP 404: no_service")
    assert await outbox.trouble("2026-11-25T00:00:00Z") == []
    # Mended, and tried again by the one who runs it.
    slack.usual = Answer()
    assert await outbox.retry_failed("duty", NOW) == 0
    assert await outbox.retry_failed("team", NOW) == 1
    async with Running(outbox, routes_to(slack, duty)).sending():
        await settled(store, {"1/team": "sent"})


async def test_a_channel_that_never_works_is_reported_long_before_it_is_given_up(outbox: Deliveries, store: Store,
                                                                                 loaded: LoadedRoutes,
                                                                                 slack: Endpoint) -> None:
    slack.usual = Answer(503)
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        for number in (1, 2, 3):
            await until_tried(store, number)
            one.clock.at += 300
            one.senders.wake()
        await until_tried(store, 4)
        (trouble,) = await outbox.trouble("2026-11-24T00:00:00Z")
        assert (trouble.failed, trouble.struggling) == (0, 1)
        one.clock.at = NOW + TOO_OLD_S + 1
        one.senders.wake()
        await settled(store, {"1/team": "failed"})


async def test_a_delivery_of_a_dead_process_is_sent_again_after_its_claim(outbox: Deliveries, store: Store,
                                                                          loaded: LoadedRoutes,
                                                                          slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(event())
    (due,) = await outbox.due("team", {0}, NOW, 9)
    claimed = await outbox.claim([due], "a process that is gone", NOW + sender.CLAIM_S)
    assert len(claimed) == 1
    assert await outbox.claim([due], "another", NOW + 1) == []
    async with one.sending():
        await asyncio.sleep(0.3)
        assert slack.requests == []  # it may still be at it
        one.clock.at += sender.CLAIM_S + 1
        one.senders.wake()
        await settled(store, {"1/team": "sent"})
    assert "이미 받으셨을" in str(slack.requests[0].json["blocks"])
    assert not await outbox.receipt(claimed, DeliveryStatus.FAILED, "I come too late", NOW)
    assert await receipts(store) == {"1/team": "sent"}
