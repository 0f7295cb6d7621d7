"""`anbu --help` lists every command and imports none; a command is imported when it is called."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

import cli
from cli.bench import bench
from cli.lazy import LazyGroup
from cli.main import main

HEAVY = {"faust", "fastapi", "motor", "pymongo", "aiokafka", "uvicorn"}
ENDLESS = 10_000  # characters of a short help that is not cut
IMPORTED = """
import sys
from cli.main import main
main(sys.argv[1:], standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""


def commands(group: LazyGroup) -> dict[str, click.Command]:
    """All commands of a group, imported."""
    found = {name: group.get_command(click.Context(group), name) for name in group.lazy}
    return {name: command for name, command in found.items() if command is not None}


def eager(group: LazyGroup) -> click.Group:
    """The same group as click itself has it."""
    return click.Group(group.name, commands=commands(group), params=group.params, help=group.help,
                       context_settings=group.context_settings)


def imported(*arguments: str) -> set[str]:
    """The modules that a command imports in a new interpreter."""
    done = subprocess.run([sys.executable, "-c", IMPORTED, *arguments], cwd=Path(cli.__file__).parents[1],
                          capture_output=True, text=True, check=True, timeout=60)
    return set(done.stderr.split())


@pytest.mark.parametrize("group", [main, bench], ids=["anbu", "bench"])
def test_the_table_has_the_first_sentence_of_each_help(group: LazyGroup) -> None:
    told = {name: one.summary for name, one in group.lazy.items()}
    assert told == {name: command.get_short_help_str(ENDLESS) for name, command in commands(group).items()}
    assert all(name == command.name for name, command in commands(group).items())


def test_the_tables_have_every_command() -> None:
    root = Path(cli.__file__).parent
    paths = [path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py") if path.stem != "__init__"]
    found = {(module, value) for module in (".".join(path.parts) for path in paths)
             for value in vars(import_module(module)).values() if isinstance(value, click.Command)}
    nested = {command for _, value in found if isinstance(value, click.Group) for command in value.commands.values()}
    assert {(module, command.name) for module, command in found if command not in nested} == {
        ("cli.main", "main"), *((one.module, name) for group in (main, bench) for name, one in group.lazy.items())}


@pytest.mark.parametrize("width", [50, 60, 80, 100, 140])
@pytest.mark.parametrize("group", [main, bench], ids=["anbu", "bench"])
def test_the_help_is_that_of_click(group: LazyGroup, width: int) -> None:
    lazy, plain = (one.get_help(click.Context(one, info_name="anbu", terminal_width=width, **main.context_settings))
                   for one in (group, eager(group)))
    assert lazy == plain


@pytest.mark.parametrize("typed", ["", "re", "--", "nothing"])
def test_the_completion_is_that_of_click(typed: str) -> None:
    lazy, plain = ([(item.value, item.help) for item in ShellComplete(group, {}, "anbu", "").get_completions([], typed)]
                   for group in (main, eager(main)))
    assert lazy == plain


def test_a_completion_includes_the_commands_of_a_group() -> None:
    done = ShellComplete(main, {}, "anbu", "_ANBU_COMPLETE").get_completions(["kek"], "ro")
    assert [item.value for item in done] == ["rotate"]


def test_the_help_imports_no_command() -> None:
    modules = imported("--help")
    assert not modules & HEAVY
    assert {name for name in modules if name.startswith("cli.")} == {"cli.main", "cli.lazy"}


def test_the_help_of_the_benchmarks_imports_no_benchmark() -> None:
    modules = imported("bench", "--help")
    assert not modules & HEAVY
    assert "cli.benchmarks" not in modules


def test_the_help_of_a_command_imports_no_other_command() -> None:
    modules = imported("score", "--help")
    assert not modules & HEAVY
    assert {one.module for one in main.lazy.values()} & modules == {"cli.score"}
