"""Settings and options of several commands. A missing or wrong setting is reported in one line."""

import contextlib
import getpass
import os
from collections.abc import Iterator
from typing import Any

import click

from runtime.settings import Settings, SettingsError


class Date(click.DateTime):
    """A date within the years that records may have."""

    name = "date"

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not 1970 <= found.year < 2200:
            self.fail(f"{value} is not of the years 1970 to 2199", param, ctx)
        return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "operator"


by_option = click.option("--by", default=_user, show_default="your user name", help="Name of the person who acts.")


class Misconfigured(click.ClickException):
    """A missing or wrong setting: one line, exit status 2."""

    exit_code = 2


@contextlib.contextmanager
def process_settings() -> Iterator[Settings]:
    """The settings of this process; a SettingsError inside ends the command with one line and status 2."""
    try:
        yield Settings.from_env(os.environ)
    except SettingsError as error:
        raise Misconfigured(str(error)) from None
