"""What `anbu doctor` prints for people and programs; tests/kafka/test_doctor.py has the checks."""

import orjson
import pytest
from support.commands import Anbu

from cli import doctor as doctor_module
from runtime.settings import Settings

FOUND = {"keys": ("ok", "1 key-encryption keys"), "broker": ("warning", "[red] is no colour, [Errno 111] no mark"),
         "database": ("error", "it is away")}


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> None:
    def finds(state: str, detail: str) -> doctor_module.Check:
        async def check(_: Settings) -> tuple[str, str]:
            return state, detail

        return check

    monkeypatch.setattr(doctor_module, "CHECKS", {name: finds(*found) for name, found in FOUND.items()})


@pytest.mark.usefixtures("findings")
def test_the_columns_are_in_line(anbu: Anbu) -> None:
    done = anbu("doctor")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "keys      ok       1 key-encryption keys",
        "broker    warning  [red] is no colour, [Errno 111] no mark",
        "database  error    it is away"]


@pytest.mark.usefixtures("findings")
def test_a_program_reads_the_same_states(anbu: Anbu) -> None:
    done = anbu("doctor", "--json")
    assert done.exit_code == 1
    assert [orjson.loads(line) for line in done.stdout.splitlines()] == [
        {"check": name, "state": state, "detail": detail} for name, (state, detail) in FOUND.items()]


@pytest.mark.usefixtures("findings")
def test_a_terminal_shows_colours(anbu: Anbu) -> None:
    done = anbu("doctor", FORCE_COLOR="1", TERM="xterm", NO_COLOR=None)
    assert [line.split("\x1b[")[1:2] for line in done.stdout.splitlines()] == [
        ["32mok     "], ["33mwarning"], ["31merror  "]]
