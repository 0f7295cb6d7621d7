"""A worker that notifies by three channels: servers that answer as providers do, fail, and are slow."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from stores.mongo import Store
from streams.topics import ALERTS
from support.endpoint import Endpoint
from support.mail import Mailbox
from support.notices import event
from support.page import send
from support.worker import WorkerProcess

PATIENCE_S = 240.0  # a claim ends after 20 s, a wait doubles; and the machine may be busy


class Place:
    """Slack, an SMS provider and a mail server; and a worker that tells them."""

    def __init__(self, folder: Path, database_url: str, slack: Endpoint, sms: Endpoint, mailbox: Mailbox,
                 **variables: str) -> None:
        self.slack, self.sms, self.mailbox = slack, sms, mailbox
        folder.mkdir(parents=True, exist_ok=True)
        routes = folder / "routes.json"
        routes.write_bytes(orjson.dumps({
            "channels": {
                "team": {"type": "slack", "url": f"{slack.url}/hook"},
                "mail": {"type": "email", "host": "127.0.0.1", "port": mailbox.port, "security": "none",
                         "from": "anbu@example.org", "to": ["team@example.org"]},
                "duty": {"type": "http", "url": f"{sms.url}/sms", "to": "+821012345678",
                         "json": {"text": "{text}", "id": "{id}"}}},
            "sites": {"*": {"default": ["team", "mail", "duty"]}}, "gateways": {"*": ["team"]}}))
        self.worker = WorkerProcess(folder, ANBU_AGENTS="notify", ANBU_ROUTES_FILE=str(routes),
                                    ANBU_MONGODB=database_url, ANBU_PUBLIC_URL="https://anbu.example.org", **variables)

    def publish(self, *events: dict[str, Any]) -> None:
        send(self.worker.settings, *((ALERTS, one, int(one["subject"]) % self.worker.settings.partitions)
                                     for one in events))


def alarm(subject: int, revision: int = 1, change: str = "opened") -> dict[str, Any]:
    """Urgent, so that each is a message of its own."""
    return event(subject, "sos", revision, change, at=int(time.time()), severity="critical")


async def receipts(store: Store) -> Counter[str]:
    return Counter([one["status"] async for one in store.database.deliveries.find({}, {"status": 1})])


async def until_receipts(store: Store, sent: int) -> None:
    """Wait until `sent` deliveries are sent, and none waits or is in hand. Raises TimeoutError with the rest."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (found := await receipts(store))["sent"] < sent or found["queued"] or found["sending"]:
                await asyncio.sleep(0.05)
    except TimeoutError:
        waiting = [one async for one in store.database.deliveries.find({"status": {"$ne": "sent"}}, {"event": 0})]
        raise TimeoutError(f"{sent} are to be sent; at {time.time():.0f} s: {found}, {waiting}") from None
