"""Each action of a caseworker becomes a record of `commands`. The page confirms it once the broker has acknowledged it.

The id of a command comes from what the caseworker saw and did. So a button that is pressed twice, or a form that is
sent again after a doubtful answer, is one command.
"""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from models.contract.command import CommandType, read_command
from models.contract.documents import Output
from models.json_object import JsonObject
from models.times import format_time
from runtime.settings import Settings
from streams.kafka import producer
from streams.topics import COMMANDS

_NAMESPACE: Final = uuid.UUID("b0a1f0f4-3f0e-5d0e-9c57-0b6c2e1f7a42")
PATIENCE_MS: Final = 8_000


class NotSentError(RuntimeError):
    """The broker has not acknowledged the command. It is safe to send the same command again."""


@dataclass(frozen=True, slots=True)
class Action:
    """The action that a caseworker asked for.

    subject: None for an action on the outage of a gateway.
    by: the name of the caseworker.
    seen: what the page showed when the caseworker pressed the button (a revision, or a time).
    first, last: the dates of an absence, as text.
    """

    type: CommandType
    subject: int | None
    by: str
    seen: str
    alert: str | None = None
    text: str | None = None
    assignee: str | None = None
    first: str | None = None
    last: str | None = None
    outcome: str | None = None
    gateway: str | None = None


def command(action: Action, now: int) -> JsonObject:
    """The value of the record. Raises ContractError, which names the missing or wrong field."""
    fields = {"type": action.type, "subject": action.subject, "gateway": action.gateway, "by": action.by,
              "alert": action.alert, "text": action.text, "assignee": action.assignee, "from": action.first,
              "to": action.last, "outcome": action.outcome}
    given = {name: value for name, value in fields.items() if value is not None}
    identity = orjson.dumps([action.seen, given], option=orjson.OPT_SORT_KEYS).decode()
    document = {"id": str(uuid.uuid5(_NAMESPACE, identity)), **given, "at": format_time(now)}
    read_command(document)
    return document


class Commands:
    """The producer of this process. It connects at the first command, so a page starts without a broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def send(self, document: JsonObject, lanes: int) -> None:
        """Send a command; returns once the broker has acknowledged it. Raises NotSentError.

        lanes: the number of partitions. Each lane judges an outage, so each gets a command on an outage.
        """
        value = orjson.dumps(document)
        try:
            async with self._starting:
                sender = await self._started()
            if document.get("gateway") is None:
                await sender.send_and_wait(COMMANDS, value, key=b"%d" % document["subject"])
            else:
                key = str(document["gateway"]).encode()
                await asyncio.gather(*(sender.send_and_wait(COMMANDS, value, key=key, partition=lane)
                                       for lane in range(lanes)))
        except (KafkaError, OSError) as error:
            raise NotSentError(str(error)) from error

    async def publish(self, record: Output, lane: int) -> None:
        """Write a record that is no command; returns once the broker has acknowledged it. Raises NotSentError."""
        try:
            async with self._starting:
                sender = await self._started()
            await sender.send_and_wait(record.topic, record.value, key=record.key, partition=lane)
        except (KafkaError, OSError) as error:
            raise NotSentError(str(error)) from error

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            sender = producer(self._settings, request_timeout_ms=PATIENCE_MS)
            try:
                await sender.start()
            except BaseException:
                await sender.stop()
                raise
            self._producer = sender
        return self._producer

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
