"""A group that lists its commands from a table and imports a command's module only when that command is called.

An import of every command takes more than a second: Faust, FastAPI and the database driver come with them.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class Lazy(NamedTuple):
    """module: defines the command under the command's own name. summary: the first sentence of the command's help."""

    module: str
    summary: str


class LazyGroup(click.Group):
    """lazy: by the name of the command. Help and shell completion read the summaries alone."""

    def __init__(self, *arguments: Any, lazy: Mapping[str, Lazy], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lazy = lazy
        self._summaries = click.Group(commands={name: click.Command(name, help=one.summary)
                                                for name, one in lazy.items()})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._summaries.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(self.lazy[cmd_name].module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self._summaries.format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [CompletionItem(name, help=command.get_short_help_str())
                 for name, command in sorted(self._summaries.commands.items()) if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)
