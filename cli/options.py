"""What several commands need: the settings, said plainly where one is missing or wrong."""

import contextlib
import os
from collections.abc import Iterator

import click

from streams.settings import Settings, SettingsError


class Misconfigured(click.ClickException):
    """A missing or wrong setting: one line, exit status 2."""

    exit_code = 2


@contextlib.contextmanager
def settings() -> Iterator[Settings]:
    """The settings of this process; a SettingsError inside ends the command with one line and status 2."""
    try:
        yield Settings.from_env(os.environ)
    except SettingsError as error:
        raise Misconfigured(str(error)) from None
