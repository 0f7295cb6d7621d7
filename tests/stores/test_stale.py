"""Figures of days are computed once for many batches, and are right although processes die, freeze or are overtaken."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.expected_history import Said, expected
from support.history import NOW, changes, documents, record, settle, write

from stores.days import Day, DayReader
from stores.mongo import Store
from stores.people import People
from stores.projection.document import Document
from stores.stale import CLAIM_S, EVERY_S

DAY = "2026-11-24/jongno"


def checkin(subject: int, revision: int = 1, **more: Any) -> Said:
    return Said("reports", 0, str(subject), {
        "type": "checkin", "id": f"2026-11-24:morning#{revision}", "subject": subject, "site": "jongno",
        "window": "2026-11-24:morning", "result": "awake", "previous": None, "repaired": False,
        "at": "2026-11-24T00:00:00Z"} | more)


def meanwhile(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Awaitable[None]]) -> None:
    """Something else happens, once, after the sources of figures were read and before the figures are written."""
    figures = DayReader.figures

    async def overtaken(reader: DayReader, days: set[Day]) -> dict[str, Document]:
        found = await figures(reader, days)
        monkeypatch.undo()
        await work()
        return found

    monkeypatch.setattr(DayReader, "figures", overtaken)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[set[Day]]:
    """Each time that figures are made: of which days."""
    found: list[set[Day]] = []
    figures = DayReader.figures

    async def counting(reader: DayReader, days: set[Day]) -> dict[str, Document]:
        found.append(set(days))
        return await figures(reader, days)

    monkeypatch.setattr(DayReader, "figures", counting)
    return found


async def test_figures_of_many_batches_are_computed_once(store: Store, made: list[set[Day]]) -> None:
    people = [checkin(subject) for subject in range(40)]
    for one in people:
        await record(store, [one])
    assert await store.refresh_days(NOW + EVERY_S - 1) == 0
    assert made == []
    assert (await documents(store))["days"][DAY]["checkins"] == {"morning": {}, "afternoon": {}}
    assert await store.refresh_days(NOW + EVERY_S) == 1
    assert await store.refresh_days(NOW + EVERY_S) == 0
    assert made == [{Day("2026-11-24", "jongno")}]
    assert await documents(store) == expected(people)


async def test_records_written_during_a_computation_are_in_the_next_figures(store: Store,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """The first figures are stored all the same: under load a new mark always comes before figures are ready."""
    await record(store, [checkin(7)])
    meanwhile(monkeypatch, lambda: record(store, [checkin(8)]))
    soon = NOW + EVERY_S
    assert await store.refresh_days(soon) == 1
    assert (await documents(store))["days"][DAY]["checkins"]["morning"] == {"awake": 1}
    assert await store.refresh_days(soon + EVERY_S - 1) == 0
    assert await store.refresh_days(soon + EVERY_S) == 1
    assert await documents(store) == expected([checkin(7), checkin(8)])


async def test_a_day_that_is_empty_for_a_moment_gets_its_figures(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last person moves to another site, and another person comes while the figures are computed."""
    moved = [checkin(7), checkin(7, 2, site="mapo")]
    await write(store, moved[:1])
    await record(store, moved[1:])
    meanwhile(monkeypatch, lambda: record(store, [checkin(8)]))
    await settle(store)
    assert await documents(store) == expected([*moved, checkin(8)])
    await write(store, [checkin(8, 2, site="mapo")])
    assert list((await documents(store))["days"]) == ["2026-11-24/mapo"]


async def test_a_process_that_dies_while_computing_figures_leaves_the_mark(store: Store,
                                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(reader: DayReader, days: set[Day]) -> dict[str, Document]:
        raise KeyboardInterrupt

    await record(store, [checkin(7)])
    monkeypatch.setattr(DayReader, "figures", dies)
    with pytest.raises(KeyboardInterrupt):
        await store.refresh_days(NOW + EVERY_S)
    monkeypatch.undo()
    await record(store, [checkin(8)])
    assert await store.refresh_days(NOW + EVERY_S + CLAIM_S - 1) == 0, "it may still be alive"
    assert await store.refresh_days(NOW + EVERY_S + CLAIM_S) == 1
    assert await documents(store) == expected([checkin(7), checkin(8)])


async def test_a_process_that_was_frozen_while_computing_figures_writes_nothing(
        store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has computed newer figures meanwhile. No mark is left that would correct older ones."""
    await record(store, [checkin(7)])
    meanwhile(monkeypatch, lambda: write(store, [checkin(8)]))
    await store.refresh_days(NOW + EVERY_S)
    assert await documents(store) == expected([checkin(7), checkin(8)])


@pytest.mark.parametrize("dies", ["before the mark", "before the figures"])
async def test_figures_are_right_after_a_death_between_write_and_mark(store: Store, dies: str) -> None:
    """Without the mark the batch was not acknowledged, so it comes again. With the mark it need not come again."""
    batch = [checkin(7), checkin(8)]
    await store.apply(changes(batch))
    if dies == "before the mark":
        await record(store, batch)
    else:
        await store.mark_days(changes(batch), NOW)
    await settle(store)
    assert await documents(store) == expected(batch)


async def test_figures_are_right_after_a_death_during_an_erasure(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the erasure only the marks show in which days the person was counted."""
    await write(store, [checkin(7), checkin(8)])
    await record(store, [checkin(9)])  # a mark whose time comes soon must not be used up too early
    delete = People.delete

    async def dies(people: People, subject: int) -> dict[str, int]:
        await store.refresh_days(NOW + EVERY_S)
        await delete(people, subject)
        raise KeyboardInterrupt

    monkeypatch.setattr(People, "delete", dies)
    with pytest.raises(KeyboardInterrupt):
        await store.erase(7)
    monkeypatch.undo()
    await settle(store)
    assert await documents(store) == expected([checkin(8), checkin(9)])
