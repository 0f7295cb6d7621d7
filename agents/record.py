"""`record` loses no history: it retries each batch until the batch is durable in MongoDB, and then the offset moves.

It writes alerts, reports, check-ins, profiles and excuses, idempotently. A record that can never be written goes to
quarantine, so that it does not hold up the records behind it. Each batch marks the figures of its days as stale, and
any worker computes them later.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NoReturn

from aiokafka import ConsumerRecord

from agents.store import Asking, Sleep
from models.contract.documents import Output
from models.contract.inputs import Record
from models.contract.outputs import quarantined
from models.errors import ContractError, Rejected, RejectReason
from stores.errors import StoreAwayError, StoreRefusedError
from stores.ports import HistoryWriter
from stores.projection.history import changes_of, subject_of_record
from stores.projection.operations import DocumentChange, merged
from streams.topics import ALERTS, COMMANDS, REGISTRY, REPORTS

log = logging.getLogger(__name__)

RECORD_INPUTS: Final = (ALERTS, REPORTS, REGISTRY, COMMANDS)
_LOOK_S: Final = 2.0  # seconds between two looks for due figures

Quarantine = Callable[[list[Output]], Awaitable[None]]


class RecordAgent:
    """Writes batches to the store.

    quarantine: publishes quarantine records.
    partition_of: returns the partition of a subject; None if there is one partition.
    """

    def __init__(self, store: HistoryWriter, quarantine: Quarantine, partition_of: Callable[[int], int] | None = None,
                 sleep: Sleep = asyncio.sleep, now: Callable[[], float] = time.time) -> None:
        self._store, self._quarantine = store, quarantine
        self._partition_of, self._sleep, self._now = partition_of, sleep, now
        self.asking = Asking(sleep)
        self._preparing, self._prepared = asyncio.Lock(), False

    async def prepare(self) -> None:
        """Create collections and indexes once, as soon as the database answers.

        No document is written before: a schema must refuse the first document too, and an index that was built during
        writes has frozen the embedded database.
        """
        async with self._preparing:
            if not self._prepared:
                await self.asking.durably(self._store.prepare)
                self._prepared = True

    async def keep_figures(self) -> NoReturn:
        """Compute the figures of due days until cancelled. Days that are not computed by then stay marked."""
        await self.prepare()
        while True:
            if not await self.asking.durably(lambda: self._store.refresh_days(self._now())):
                await self._sleep(_LOOK_S)

    async def handle(self, batch: Sequence[ConsumerRecord]) -> None:
        """Write a batch. Returns when each record is durable or in quarantine."""
        await self.prepare()
        changes: list[DocumentChange] = []
        sources: defaultdict[tuple[str, str], dict[Record, None]] = defaultdict(dict)
        bad: dict[Record, str] = {}
        for one in batch:
            record = Record(one.topic, one.partition, one.offset, one.key, one.value)
            if self._misplaced(record):
                continue
            try:
                found = changes_of(record)
            except ContractError as error:
                # `watch` reads the other topics too, and has put the record into quarantine.
                if record.topic in (ALERTS, REPORTS):
                    bad[record] = str(error)
                continue
            changes += found
            for change in found:
                sources[change.place][record] = None
        suspects = {record for place in await self._written(merged(changes)) for record in sources[place]}
        for record in sorted(suspects, key=lambda one: one.offset):  # each alone, to find the records at fault
            refused = await self._written(merged(changes_of(record)))
            if refused:
                bad[record] = "; ".join(sorted(set(refused.values())))
        if bad:
            await self._quarantine([quarantined(record, Rejected(RejectReason.MALFORMED, why), None)
                                    for record, why in bad.items()])

    def _misplaced(self, record: Record) -> bool:
        """Whether a record is in the wrong partition. `watch` forwards it: it comes again in the right partition.

        The offsets of the right partition are the versions.
        """
        if self._partition_of is None or record.topic not in (REGISTRY, COMMANDS):
            return False
        subject = subject_of_record(record)
        return subject is not None and self._partition_of(subject) != record.partition

    async def _written(self, changes: Sequence[DocumentChange]) -> dict[tuple[str, str], str]:
        """Retry changes until they are durable or refused. Returns, by (collection, id), why a document was refused."""
        refused: dict[tuple[str, str], str] = {}

        async def write() -> None:
            refused.clear()
            try:
                await self._store.apply(changes)
            except StoreRefusedError as error:
                if not error.places:  # no document of the batch is named, so none may be given up
                    raise StoreAwayError(str(error)) from error
                log.warning("the database refuses %d documents: %s", len(error.places), error)
                refused.update(dict.fromkeys(error.places, str(error)))
            await self._store.mark_days([one for one in changes if one.place not in refused], self._now())

        await self.asking.durably(write)
        return refused
