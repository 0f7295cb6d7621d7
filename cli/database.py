"""The use of the database by commands: open, close, and one plain line if the database is away."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import Final, Protocol, TypeVar

import click

from agents.store import store_of
from cli.options import process_settings
from runtime.settings import Settings, SettingsError
from stores.errors import StoreAwayError, StoreRefusedError
from stores.mongo import Store

Kind = TypeVar("Kind")
SOCKET_MS: Final = 3_600_000  # an index of a large collection takes long, and a person watches the command


class Closable(Protocol):
    def close(self) -> None: ...


Opened = TypeVar("Opened", bound=Closable)


def with_store(work: Callable[[Store, Settings], Awaitable[Kind]]) -> Kind:
    """Run some work on the database of ANBU_MONGODB. A database that is away or broken ends the command with one line
    and status 1, a wrong URL with status 2."""
    return _with(lambda settings: store_of(settings, SOCKET_MS), work)


def with_reader(reader: Callable[[str], Opened], ask: Callable[[Opened], Awaitable[Kind]]) -> Kind:
    """Query the database of ANBU_MONGODB with a reader of its URL. Errors are those of `with_store`."""
    return _with(partial(opened, reader), lambda one, _: ask(one))


def opened(reader: Callable[[str], Opened], settings: Settings) -> Opened:
    """A reader or store of the URL of the database. Raises SettingsError."""
    try:
        return reader(settings.mongodb)
    except ValueError as error:
        raise SettingsError(f"ANBU_MONGODB: {error}") from None


def _with(connect: Callable[[Settings], Opened], work: Callable[[Opened, Settings], Awaitable[Kind]]) -> Kind:
    async def run(settings: Settings) -> Kind:
        with closing(connect(settings)) as one:
            return await work(one, settings)

    with process_settings() as settings:
        try:
            return asyncio.run(run(settings))
        except StoreAwayError as error:
            raise click.ClickException(f"the database is away (ANBU_MONGODB): {error}") from None
        except StoreRefusedError as error:
            raise click.ClickException(f"the database (ANBU_MONGODB) holds an unusable value: {error}") from None
