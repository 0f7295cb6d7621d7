"""What the commands that speak to the database have in common: opened, closed, and said plainly where it is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import click

from agents.store import store_of
from cli.options import settings
from stores.errors import StoreAwayError
from stores.mongo import Store
from stores.questions import Questions
from streams.settings import Settings, SettingsError

Kind = TypeVar("Kind")
SOCKET_MS: Final = 3_600_000  # an index of a large collection takes its time, and somebody watches the command


def with_store(work: Callable[[Store, Settings], Awaitable[Kind]]) -> Kind:
    """Run some work on the database of ANBU_MONGODB; one line and status 1 where it is away, 2 where it is no URL."""
    async def run(found: Settings) -> Kind:
        store = store_of(found, SOCKET_MS)
        try:
            return await work(store, found)
        finally:
            store.close()

    with settings() as found:
        try:
            return asyncio.run(run(found))
        except StoreAwayError as error:
            raise _away(error) from None


def with_questions(question: Callable[[Questions], Awaitable[Kind]]) -> Kind:
    """Ask the database of ANBU_MONGODB; it fails as `with_store` does."""
    async def run(found: Settings) -> Kind:
        try:
            questions = Questions(found.mongodb)
        except ValueError as error:
            raise SettingsError(f"ANBU_MONGODB: {error}") from None
        try:
            return await question(questions)
        finally:
            questions.close()

    with settings() as found:
        try:
            return asyncio.run(run(found))
        except StoreAwayError as error:
            raise _away(error) from None


def _away(error: StoreAwayError) -> click.ClickException:
    return click.ClickException(f"the database is away (ANBU_MONGODB): {error}")
