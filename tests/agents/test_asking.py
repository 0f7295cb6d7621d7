"""What an agent says of the database in its health: that it waits for it, before the first answer and whenever there is
none.
"""

import asyncio

import pytest

from agents.store import Asking
from stores.errors import StoreAwayError, StoreRefusedError


class Database:
    def __init__(self) -> None:
        self.away = False

    async def ask(self) -> str:
        if self.away:
            raise StoreAwayError("nobody answers")
        return "here"


async def test_the_database_counts_as_away_until_it_answers() -> None:
    database, said = Database(), list[str | None]()

    async def sleep(_seconds: float) -> None:
        said.append(asking.lacking())
        database.away = len(said) % 3 != 0

    asking = Asking(sleep)
    assert asking.lacking() == "database"
    assert await asking.durably(database.ask) == "here"
    assert asking.lacking() is None
    database.away = True
    assert await asking.durably(database.ask) == "here"
    assert (said, asking.lacking()) == (["database"] * 3, None)


async def test_a_successful_read_does_not_end_the_wait_of_a_writer() -> None:
    """A database with a full disk still answers reads."""
    writing, reading, asking = Database(), Database(), Asking()
    writing.away = True
    with pytest.raises(StoreAwayError), asking.by("who writes"):
        await writing.ask()
    with asking.by("who reads"):
        await reading.ask()
    assert asking.lacking() == "database"
    writing.away = False
    with asking.by("who writes"):
        await writing.ask()
    assert asking.lacking() is None


@pytest.mark.parametrize("end", ["refused", "cancelled"])
async def test_a_caller_that_has_ended_does_not_count_as_waiting(end: str) -> None:
    waits = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        waits.set()
        if end == "cancelled":
            await asyncio.Event().wait()

    async def ask() -> None:
        if waits.is_set():
            raise StoreRefusedError("never")
        raise StoreAwayError("nobody answers")

    asking = Asking(sleep)
    await asking.durably(Database().ask)
    task = asyncio.create_task(asking.durably(ask))
    await waits.wait()
    if end == "cancelled":
        task.cancel()
    (error,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(error, StoreRefusedError if end == "refused" else asyncio.CancelledError)
    assert asking.lacking() is None
