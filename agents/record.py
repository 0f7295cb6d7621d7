"""`record` writes history to MongoDB, idempotently, in batches: alerts, reports, check-ins, profiles and excuses.

The database away is a reason to wait, never to lose: the batch is tried until it is durable, then the offset moves.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiokafka import ConsumerRecord

from models.command import parse_command
from models.errors import ContractError, Reason, Rejected
from models.outputs import Output, Record, quarantined
from models.profile import parse_profile
from models.records import parse_object
from stores.history import merged, of_alert, of_checkin, of_command, of_registry, of_report
from stores.mongo import Store, StoreError
from stores.operations import Change
from streams.topics import ALERTS, COMMANDS, REGISTRY, REPORTS

log = logging.getLogger(__name__)

INPUTS: Final = (ALERTS, REPORTS, REGISTRY, COMMANDS)
_WAITS: Final = (0.5, 1.0, 2.0, 5.0)


def changes_of(record: ConsumerRecord) -> list[Change]:
    """What one record does to the documents. Raises ContractError where it is none of ours."""
    if record.topic == REGISTRY and record.value is None:
        key = record.key or b""
        if not key.isdigit():
            raise ContractError("key")
        return of_registry(int(key), None, record.offset)
    document = parse_object(record.value or b"")
    try:
        match record.topic:
            case "alerts":
                return of_alert(document)
            case "registry":
                parse_profile(document)
                return of_registry(document["subject"], document, record.offset)
            case "commands":
                parse_command(document)
                return of_command(document, record.offset)
            case _:
                return _of_reports(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContractError(str(error)) from error


def _of_reports(document: dict[str, Any]) -> list[Change]:
    match document["type"]:
        case "report":
            return of_report(document)
        case "checkin":
            return of_checkin(document)
        case "progress":
            return []
        case other:
            raise ContractError(f"type {other}")


class RecordAgent:
    """quarantine: publishes what cannot be written."""

    def __init__(self, store: Store, quarantine: Callable[[list[Output]], Awaitable[None]]) -> None:
        self._store, self._quarantine = store, quarantine

    async def prepare(self) -> None:
        """Create indexes, as soon as the database is there."""
        await self._durably(self._store.prepare)

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Returns when all of a batch is durable, or in quarantine."""
        changes: list[Change] = []
        refused: list[Output] = []
        for record in records:
            try:
                changes += changes_of(record)
            except ContractError as error:
                # What `watch` reads as well, it has put into quarantine itself.
                if record.topic in (ALERTS, REPORTS):
                    origin = Record(record.topic, record.partition, record.offset, record.key, record.value)
                    refused.append(quarantined(origin, Rejected(Reason.MALFORMED, str(error)), None))
        days = {(change.fields["day"], change.fields["site"]) for change in changes if change.collection == "checkins"}
        days |= {(change.fields["opened_at"][:10], change.fields["site"]) for change in changes
                 if change.collection == "alerts"}
        whole = merged(changes)

        async def write() -> None:
            await self._store.apply(whole)
            await self._store.refresh_days(days)

        await self._durably(write)
        if refused:
            await self._quarantine(refused)

    async def _durably(self, write: Callable[[], Awaitable[None]]) -> None:
        for attempt in range(1_000_000):
            try:
                await write()
            except StoreError as error:
                wait = _WAITS[min(attempt, len(_WAITS) - 1)]
                log.warning("the database does not take the batch (%s); trying again in %g s",
                            type(error).__name__, wait)
                await asyncio.sleep(wait)
            else:
                return
