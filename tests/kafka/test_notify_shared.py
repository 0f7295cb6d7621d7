"""Two workers share the lanes of `notify` on a real Kafka; one is killed, another joins, and everybody is told once."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest
from support.database import database_server, database_url, store
from support.endpoint import Answer, Endpoint
from support.mail import Mailbox, running_mailbox
from support.telling import PATIENCE_S, Place, alarm, receipts, until_receipts

from local.kafka import LocalKafka
from stores.mongo import Store

__all__ = ["database_server", "database_url", "store"]

ALERTS_SENT = 60


@pytest.mark.timeout(600)
async def test_each_alert_is_sent_when_a_worker_joins_and_another_dies(kafka: LocalKafka, tmp_path: Path,
                                                                       database_url: str, store: Store) -> None:
    slow = Answer(delay_s=0.2)
    with Endpoint(usual=slow) as slack, Endpoint() as sms, running_mailbox(Mailbox()) as mailbox:
        places = [Place(tmp_path / name, database_url, slack, sms, mailbox, ANBU_KAFKA=kafka.address,
                        ANBU_GUARANTEE="fence") for name in ("first", "second")]
        first, second = (place.worker for place in places)
        with first, second:
            async with httpx.AsyncClient(timeout=5) as http:
                first.start()
                await first.wait_idle(http)
                places[0].publish(*(alarm(subject) for subject in range(ALERTS_SENT)))
                await until_requests(slack, 5)
                second.start()  # a rebalance in the middle: half of the lanes move, and nobody waits for Slack
                async with asyncio.timeout(PATIENCE_S):
                    while not (health := await second.health(http)) or not health["lanes"]:
                        await asyncio.sleep(0.05)
                await until_requests(slack, 20)
                first.kill()
                await until_receipts(store, 3 * ALERTS_SENT)
        assert await receipts(store) == {"sent": 3 * ALERTS_SENT}
        twice = Counter(request.json["id"] for request in sms.requests)
        assert len(twice) == ALERTS_SENT
        assert sum(twice.values()) - ALERTS_SENT <= 4  # what was in hand when it was killed
        told = Counter(request.json["text"] for request in slack.requests)
        assert len(told) == ALERTS_SENT
        assert sum(told.values()) - ALERTS_SENT <= 4


async def until_requests(endpoint: Endpoint, number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(endpoint.requests) < number:
            await asyncio.sleep(0.02)
