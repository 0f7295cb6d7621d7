"""A real `notify` process is killed again and again while it tells people: nobody is missed, and no receipt is doubled.

The alerts come by a broker, the messages go to servers that speak their provider's words, fail, and dawdle.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.endpoint import Answer, Endpoint
from support.mail import Mailbox, running_mailbox
from support.notices import event
from support.telling import PATIENCE_S, Place, alarm, receipts, until_receipts

from stores.mongo import Store

ALERTS_SENT = 40
KILLS = 4
BACKLOG = 80

pytestmark = [pytest.mark.notify, pytest.mark.timeout(600)]


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Place]:
    with Endpoint() as slack, Endpoint() as sms, running_mailbox(Mailbox()) as mailbox:
        one = Place(tmp_path, database_url, slack, sms, mailbox)
        with one.worker:
            yield one


async def test_every_alert_is_sent_although_the_notifier_is_killed(place: Place, store: Store) -> None:
    dice = random.Random(7)
    place.slack.usual = Answer(delay_s=0.15)
    place.sms.answers = [dice.choice((Answer(), Answer(503), Answer(delay_s=0.4))) for _ in range(ALERTS_SENT)]
    place.mailbox.replies = ["451 4.3.0 later"] * 5
    async with httpx.AsyncClient(timeout=5) as http:
        place.worker.start()
        await place.worker.wait_idle(http)
        for kill in range(KILLS):
            some = range(kill * ALERTS_SENT // KILLS, (kill + 1) * ALERTS_SENT // KILLS)
            place.publish(*(alarm(subject) for subject in some))
            before = len(place.slack.requests)
            async with asyncio.timeout(PATIENCE_S):  # in the middle of it
                while len(place.slack.requests) < before + 3:
                    await asyncio.sleep(0.01)
            place.worker.kill()
            # What is known to be receipted now must never go out again.
            receipted = {one["_id"] async for one in store.database.deliveries.find({"status": "sent"}, {"_id": 1})}
            sent_before = Counter(request.json["id"] for request in place.sms.requests)
            place.worker.start()
            await place.worker.wait_idle(http)
            doubled = {name: sent_before[name] for name in receipted if name in sent_before}
            later = Counter(request.json["id"] for request in place.sms.requests)
            assert {name: later[name] for name in doubled} == doubled
        await until_receipts(store, 3 * ALERTS_SENT)
    assert await receipts(store) == {"sent": 3 * ALERTS_SENT}
    # Nobody was missed by any channel.
    for said in ([request.json["text"] for request in place.slack.requests],
                 [mail["Subject"] for mail in place.mailbox.mails]):
        assert {int(text.split("번")[0].split()[-1]) for text in said} == set(range(ALERTS_SENT))
    # Twice only what was in hand when the process died: four at a time and channel; and then it says so.
    tried = Counter(request.json["text"] for request in place.slack.requests)
    assert sum(number - 1 for number in tried.values()) <= 4 * KILLS
    again = [request for request in place.slack.requests if "이미 받으셨을" in str(request.json["blocks"])]
    assert len(again) >= sum(number - 1 for number in tried.values())
    ids = [mail["Message-ID"] for mail in place.mailbox.mails]
    assert len(set(ids)) == ALERTS_SENT


async def test_a_new_group_begins_at_the_end(place: Place, store: Store) -> None:
    """The group remembers its beginning: alerts that come while it is away are sent when it is back."""
    place.publish(*(alarm(subject) for subject in range(8)))
    async with httpx.AsyncClient(timeout=5) as http:
        place.worker.start()
        await place.worker.wait_idle(http)
        await asyncio.sleep(2.5)  # Faust commits every second
        place.worker.kill()
        place.publish(alarm(100), alarm(101), alarm(101, 2, "acknowledged"))
        place.worker.start()
        await place.worker.wait_idle(http)
        await until_receipts(store, 3)
    found = {one["_id"]: one["status"] async for one in store.database.deliveries.find()}
    assert {name.split("/")[0] for name, status in found.items() if status == "sent"} == {"100"}
    # Acknowledged before anything went out: not one message of it.
    assert {status for name, status in found.items() if name.startswith("101/")} == {"superseded"}
    assert len(place.slack.requests) == 1


async def test_every_alert_of_a_digest_is_sent_although_the_notifier_is_killed(place: Place, store: Store) -> None:
    """A backlog of warnings: each alert is sent, in a few messages, and a repeated message says so."""
    place.slack.usual = Answer(delay_s=1.5)
    lanes = place.worker.settings.partitions
    people = range(0, BACKLOG * lanes, lanes)  # all in one lane: of several the next message would wait its minute
    async with httpx.AsyncClient(timeout=5) as http:
        place.worker.start()
        await place.worker.wait_idle(http)
        await asyncio.sleep(2.5)  # Faust commits every second
        place.worker.kill()
        place.publish(*(event(subject, at=int(time.time())) for subject in people))
        place.worker.start()
        async with asyncio.timeout(PATIENCE_S):
            while not place.slack.requests:
                await asyncio.sleep(0.01)
        place.worker.kill()
        place.worker.start()
        await place.worker.wait_idle(http)
        await until_receipts(store, 3 * BACKLOG)
    assert await receipts(store) == {"sent": 3 * BACKLOG}
    texts = [str(request.json["blocks"]) for request in place.slack.requests]
    named = {int(one) for text in texts for some in re.findall(r"jongno ([\d, ]+)번", text) for one in some.split(", ")}
    assert named == set(people)
    assert len(texts) < BACKLOG / 4  # mostly two: one, and after the kill once more
    assert any("이미 받으셨을" in text for text in texts)


async def test_sigterm_lets_the_notifier_finish_the_delivery_in_hand(place: Place, store: Store) -> None:
    """SIGTERM comes at each deployment. The delivery in hand gets its receipt, so it is not sent again."""
    place.slack.usual = Answer(delay_s=1.5)
    async with httpx.AsyncClient(timeout=5) as http:
        place.worker.start()
        await place.worker.wait_idle(http)
        place.publish(alarm(7))
        async with asyncio.timeout(PATIENCE_S):
            while not place.slack.requests:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(place.worker.terminate)
        found = await store.database.deliveries.find_one({"channel": "team"})
        assert found is not None
        assert (found["status"], found["attempts"]) == ("sent", 1)
        place.worker.start()
        await place.worker.wait_idle(http)
        await until_receipts(store, 3)
    assert len(place.slack.requests) == 1
