"""`record` loses no record, although the database is away, a record is bad, or a record is misplaced."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord
from support.expected_history import Said, expected
from support.history import NOW, documents, said_of, settle
from support.vectors import VECTORS, key_ring, read_lines, replay

from agents.record import RecordAgent
from models.contract.documents import Output
from runtime.metrics import REGISTRY
from stores.errors import StoreAwayError, StoreRefusedError
from stores.mongo import Store
from stores.projection.operations import DocumentChange


def kafka(topic: str, value: Any, *, key: bytes | None = b"7", offset: int = 0, partition: int = 0) -> ConsumerRecord:
    """value: JSON, or octets as they are."""
    octets = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    return ConsumerRecord(topic, partition, offset, 0, 0, key, octets, None, 0, 0, ())


def checkin(subject: int = 7, revision: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "checkin", "id": f"2026-11-24:morning#{revision}", "subject": subject, "site": "jongno",
            "window": "2026-11-24:morning", "result": "awake", "previous": None, "repaired": False,
            "at": "2026-11-23T21:41:00Z"} | more


def profile(subject: int = 7, **more: Any) -> dict[str, Any]:
    return {"subject": subject, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul",
            "since": "2026-11-01T00:00:00Z"} | more


class Quarantine:
    def __init__(self) -> None:
        self.outputs: list[Output] = []

    async def __call__(self, outputs: list[Output]) -> None:
        self.outputs += outputs

    def origins(self) -> list[tuple[str, int]]:
        values = [orjson.loads(output.value or b"") for output in self.outputs]
        return [(value["origin"]["topic"], value["origin"]["offset"]) for value in values]


class Unsteady:
    """A store that is away when `fails` says so, before or in the middle of what it is asked for."""

    def __init__(self, store: Store, fails: Iterable[str]) -> None:
        self._store, self._fails = store, iter(fails)

    async def prepare(self) -> None:
        self._fail("prepare")
        await self._store.prepare()

    async def apply(self, changes: Iterable[DocumentChange]) -> None:
        ones = list(changes)
        await self._store.apply(ones[:len(ones) // 2])
        self._fail("apply")
        await self._store.apply(ones)

    async def mark_days(self, changes: Iterable[DocumentChange], now: float) -> None:
        self._fail("days")
        await self._store.mark_days(changes, now)

    async def refresh_days(self, now: float) -> int:
        self._fail("figures")
        return await self._store.refresh_days(now)

    def _fail(self, where: str) -> None:
        if next(self._fails, None) == where:
            raise StoreAwayError("nobody answers")


@pytest.fixture
def quarantine() -> Quarantine:
    return Quarantine()


@pytest.fixture
def agent(store: Store, quarantine: Quarantine) -> RecordAgent:
    return RecordAgent(store, quarantine)


async def test_a_database_that_is_away_is_waited_for(store: Store, quarantine: Quarantine) -> None:
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    before = REGISTRY.get_sample_value("anbu_database_waits_total") or 0
    fails = ["prepare", "prepare", "", "apply", "apply", "", "days", "apply", "", ""]
    agent = RecordAgent(Unsteady(store, fails), quarantine, sleep=sleep)
    await agent.prepare()
    said = [Said("reports", 0, "7", checkin()), Said("registry", 3, "7", profile())]
    await agent.handle([kafka(one.topic, one.value, offset=one.offset) for one in said])
    await settle(store)
    assert await documents(store) == expected(said)
    assert waited == [0.5, 1.0, 0.5, 1.0, 2.0, 5.0]
    assert REGISTRY.get_sample_value("anbu_database_waits_total") == before + len(waited)
    assert not quarantine.outputs


async def test_an_error_that_concerns_no_document_is_waited_for(store: Store, quarantine: Quarantine,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the whole batch would be dropped without a report."""
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        monkeypatch.undo()

    async def refused(_: Iterable[DocumentChange]) -> None:
        raise StoreRefusedError("the list of the erased cannot be read")

    monkeypatch.setattr(store, "apply", refused)
    await RecordAgent(store, quarantine, sleep=sleep).handle([kafka("reports", checkin())])
    await settle(store)
    assert (waited, quarantine.outputs) == ([0.5], [])
    assert await documents(store) == expected([Said("reports", 0, "7", checkin())])


async def test_nothing_is_written_before_schemas_and_indexes_are_there(quarantine: Quarantine) -> None:
    asked: list[str] = []
    may_prepare = asyncio.Event()

    class Slow:
        async def prepare(self) -> None:
            await may_prepare.wait()
            asked.append("prepare")

        async def apply(self, changes: Iterable[DocumentChange]) -> None:
            asked.append(f"apply {len(list(changes))}")

        async def mark_days(self, changes: Iterable[DocumentChange], now: float) -> None:  # noqa: ARG002
            asked.append(f"days {len(list(changes))}")

        async def refresh_days(self, now: float) -> int:  # noqa: ARG002
            raise AssertionError("nobody asked for it")

    agent = RecordAgent(Slow(), quarantine)
    lanes = [asyncio.create_task(agent.handle([kafka("reports", checkin(subject))])) for subject in (7, 8)]
    starting = asyncio.create_task(agent.prepare())
    for _ in range(5):
        await asyncio.sleep(0)  # everybody gets as far as possible
    assert asked == []
    may_prepare.set()
    await asyncio.gather(starting, *lanes)
    assert asked[0] == "prepare"
    assert sorted(asked[1:]) == ["apply 2", "apply 2", "days 2", "days 2"]


@pytest.mark.parametrize("value", [
    b"no JSON", b"[]", {"type": "report"}, {"type": "something"}, {}, checkin(window="2026-11-24:noon"),
    checkin(window="9999-12-31:morning"), checkin(window="0001-01-01:morning"),
    checkin(subject=-1), checkin(result="asleep"), checkin(id="2026-11-24:morning"), checkin(site=["x"]), None,
], ids=["text", "list", "no fields", "type", "no type", "half", "late", "early",
        "subject", "result", "revision", "site", "tombstone"])
async def test_an_unreadable_record_goes_to_quarantine(agent: RecordAgent, store: Store, quarantine: Quarantine,
                                                       value: Any) -> None:
    await agent.handle([kafka("reports", value, offset=4), kafka("reports", checkin(8), offset=5)])
    assert quarantine.origins() == [("reports", 4)]
    assert list((await documents(store))["checkins"]) == ["8/2026-11-24:morning"]


async def test_only_the_refused_record_of_a_batch_goes_to_quarantine(agent: RecordAgent, store: Store,
                                                                     quarantine: Quarantine) -> None:
    """A record that was read may still be refused: by the schema, or by the driver for a number above 64 bits."""
    good = [Said("reports", 0, "7", checkin(revision=1)), Said("reports", 2, "8", checkin(8))]
    await agent.handle([kafka("reports", good[0].value, offset=0),
                        kafka("reports", checkin(revision=2, repaired=5), offset=1),
                        kafka("reports", good[1].value, offset=2)])
    assert quarantine.origins() == [("reports", 1)]
    assert (await documents(store))["checkins"] == expected(good)["checkins"]
    await agent.handle([kafka("reports", checkin(9, previous=1 << 63), offset=3),
                        kafka("reports", checkin(10), offset=4)])
    assert quarantine.origins()[1:] == [("reports", 3)]
    assert "10/2026-11-24:morning" in (await documents(store))["checkins"]


@pytest.mark.parametrize("topic", ["registry", "commands"])
async def test_record_does_not_quarantine_records_that_watch_quarantines(agent: RecordAgent, store: Store,
                                                                         quarantine: Quarantine, topic: str) -> None:
    await agent.handle([kafka(topic, b"no JSON"), kafka(topic, {"subject": 7}), kafka("registry", None, key=b"x")])
    assert not quarantine.outputs
    assert not await documents(store)


async def test_progress_records_are_not_stored(agent: RecordAgent, store: Store, quarantine: Quarantine) -> None:
    progress = {"type": "progress", "lane": 3, "gateways": {}, "clock": None, "at": "2026-11-24T00:00:00Z"}
    await agent.handle([kafka("reports", progress, key=None)])
    assert not await documents(store)
    assert not quarantine.outputs


@pytest.mark.parametrize("misplaced", [
    lambda: kafka("registry", profile(site="mapo"), offset=1000, partition=1),
    lambda: kafka("registry", None, offset=1000, partition=1),
    lambda: kafka("commands", {"id": "c", "type": "excuse", "subject": 7, "by": "kim", "at": "2026-11-24T00:00:00Z",
                               "from": "2026-11-24", "to": "2026-11-24"}, offset=1000, partition=1),
], ids=["profile", "tombstone", "command"])
async def test_the_offset_of_a_misplaced_record_is_not_its_version(store: Store, quarantine: Quarantine,
                                                                   misplaced: Callable[[], ConsumerRecord]) -> None:
    agent = RecordAgent(store, quarantine, partition_of=lambda subject: subject % 7)
    await agent.handle([misplaced()])
    await agent.handle([kafka("registry", profile(), offset=11)])
    assert await documents(store) == expected([Said("registry", 11, "7", profile())])


async def test_the_documents_of_a_scenario_are_those_of_its_outputs(agent: RecordAgent, store: Store) -> None:
    lines = read_lines(VECTORS / "scenarios" / "quarantine.in.jsonl")
    said = said_of(lines, replay(lines, key_ring()))
    for topic in ("alerts", "reports", "registry", "commands"):
        batch = [kafka(topic, one.value, key=None if one.key is None else one.key.encode(), offset=one.offset)
                 for one in said if one.topic == topic]
        await agent.handle(batch)
    await settle(store)
    assert await documents(store) == expected(said)


async def test_figures_are_recomputed_on_time_also_after_the_database_was_away(store: Store,
                                                                               quarantine: Quarantine) -> None:
    waits: list[float] = []
    now = [NOW]

    class Ended(Exception):
        pass

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds
        if (await documents(store))["days"] == expected(said)["days"]:
            raise Ended

    agent = RecordAgent(Unsteady(store, ["", "", "", "figures"]), quarantine, sleep=sleep, now=lambda: now[0])
    said = [Said("reports", number, str(number), checkin(number)) for number in range(3)]
    await agent.handle([kafka("reports", one.value, offset=one.offset) for one in said])
    with pytest.raises(Ended):
        await agent.keep_figures()
    assert waits[0] == 0.5, "it was away"
    assert 10 <= sum(waits) < 15
