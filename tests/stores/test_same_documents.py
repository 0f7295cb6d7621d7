"""Applying any part of the log again, in any batches and order, by any number of writers, leaves every document equal.

And what is left is what a naive reading of the records says there must be.
"""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.expected_history import Said, expected
from support.history import NOW, changes, clear, documents, record, said_of, settle, write
from support.journals import ON_A_DATABASE, cut, journals
from support.said import report
from support.vectors import SCENARIOS, VECTORS, key_ring, read_lines, replay

from stores.mongo import Store
from stores.stale import CLAIM_S


def scenario(name: str) -> list[Said]:
    """The input of a golden scenario, and what the pure core makes of it."""
    lines = read_lines(VECTORS / "scenarios" / f"{name}.in.jsonl")
    return said_of(lines, replay(lines, key_ring()))


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_that_is_written_twice_gives_the_same_documents(store: Store, name: str) -> None:
    records = scenario(name)
    for _ in range(2):
        await write(store, records)
        assert await documents(store) == expected(records)


@ON_A_DATABASE
@given(data=st.data(), journal=journals())
async def test_order_batches_and_repetition_do_not_change_the_documents(store: Store, data: Any,
                                                                        journal: list[Said]) -> None:
    await clear(store)
    batches = data.draw(cut(journal))
    for batch in batches:
        await write(store, batch)
    assert await documents(store) == expected(journal)
    suffix = [said for batch in batches for said in batch][data.draw(st.integers(0, len(journal))):]
    for batch in data.draw(cut(suffix)):
        await write(store, batch)
        await write(store, batch)
    assert await documents(store) == expected(journal)


@ON_A_DATABASE
@given(data=st.data(), journal=journals())
async def test_a_batch_that_was_partly_written_can_be_written_again(store: Store, data: Any,
                                                                    journal: list[Said]) -> None:
    """The process dies in the middle of a bulk, or before the figures of the day. The batch comes again."""
    await clear(store)
    for batch in data.draw(cut(journal)):
        whole = changes(batch)
        await store.apply(data.draw(st.permutations(whole))[:data.draw(st.integers(0, len(whole)))])
        await write(store, batch)
    assert await documents(store) == expected(journal)


@pytest.mark.parametrize("size", [9, 40, 100])
async def test_mornings_and_trends_beyond_the_kept_days_are_not_in_the_figures(store: Store, size: int) -> None:
    """Figures must not count dropped entries. Otherwise a repeated batch would change the figures."""
    months = [report(7, number, date(2026, 8, 3) + timedelta(days=number), battery_pct=99 - number * number // 120,
                     signal_dbm=-80 - number % 7) for number in range(100)]
    for start in range(0, len(months), size):
        await write(store, months[start:start + size])
    assert await documents(store) == expected(months)
    await write(store, months[::-1])
    assert await documents(store) == expected(months)


async def test_an_alert_counts_for_its_day_when_the_time_zone_arrives_later(store: Store) -> None:
    """22:00 in London is the next morning in Seoul. The record with the time zone may arrive after the alert."""
    sos = next(said for said in scenario("sos_life") if said.topic == "alerts")
    assert sos.value
    sos.value["data"]["opened_at"] = "2026-11-23T22:00:00Z"
    profile = {"subject": 7, "site": "jongno", "gateway": "seoul-1", "since": "2026-11-01T00:00:00Z"}
    records = [sos, *(Said("registry", offset, "7", {**profile, "tz": zone})
                      for offset, zone in enumerate(["Asia/Seoul", "Europe/London"]))]
    for count, day in enumerate(["2026-11-23", "2026-11-24", "2026-11-23"]):
        await write(store, [records[count]])
        found = await documents(store)
        assert found == expected(records[:count + 1])
        assert list(found["days"]) == [f"{day}/jongno"]


@ON_A_DATABASE
@given(data=st.data(), journal=journals())
async def test_four_concurrent_writers_give_the_same_documents(store: Store, database_url: str, data: Any,
                                                               journal: list[Said]) -> None:
    await clear(store)
    orders = [data.draw(cut(journal)) for _ in range(4)]
    writers = [Store(database_url, now=lambda: NOW) for _ in orders]

    async def write_all(writer: Store, batches: list[list[Said]]) -> None:
        for batch in batches:
            await record(writer, batch)
            await writer.refresh_days(NOW + CLAIM_S)

    try:
        await asyncio.gather(*map(write_all, writers, orders))
    finally:
        for writer in writers:
            writer.close()
    await settle(store)
    assert await documents(store) == expected(journal)
