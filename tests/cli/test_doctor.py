"""What `anbu doctor` prints for people, whatever the checks find; what they find is in tests/kafka/test_doctor.py."""

import pytest
from support.commands import Anbu

from cli import doctor as doctor_module
from runtime.settings import Settings

FOUND = {"keys": ("right", "1 key-encryption keys"), "broker": ("beware", "[red] is no colour, [Errno 111] no mark"),
         "database": ("wrong", "it is away")}


def test_the_columns_are_in_line(anbu: Anbu, monkeypatch: pytest.MonkeyPatch) -> None:
    def finds(state: str, detail: str) -> doctor_module.Check:
        async def check(_: Settings) -> tuple[str, str]:
            return state, detail

        return check

    monkeypatch.setattr(doctor_module, "CHECKS", {name: finds(*found) for name, found in FOUND.items()})
    done = anbu("doctor")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "keys      right   1 key-encryption keys",
        "broker    beware  [red] is no colour, [Errno 111] no mark",
        "database  wrong   it is away"]
