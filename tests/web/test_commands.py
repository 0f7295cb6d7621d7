"""A command is what the contract says, and the same button on the same state is the same command."""

from dataclasses import replace

import pytest
from support.page import Running, browser, csrf_of

from models.contract.command import CommandType
from models.errors import ContractError
from web.commands import Action, command

ACTION = Action(CommandType.COMMENT, 7, "kim", "3", alert="7:sos:0.1.1", text="on my way")


def test_a_repeated_form_gives_the_same_command() -> None:
    first, again = command(ACTION, 1_700_000_000), command(ACTION, 1_700_000_009)
    assert first["id"] == again["id"]
    assert first == {"id": first["id"], "type": "comment", "subject": 7, "by": "kim", "alert": "7:sos:0.1.1",
                     "text": "on my way", "at": "2023-11-14T22:13:20Z"}


OTHERS: list[dict[str, object]] = [{"seen": "4"}, {"by": "lee"}, {"text": "there"}, {"alert": "7:sos:0.1.2"},
                                   {"subject": 8}, {"type": CommandType.RESOLVE}]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: next(iter(other)))
def test_a_different_form_gives_another_command(other: dict[str, object]) -> None:
    assert command(replace(ACTION, **other), 0)["id"] != command(ACTION, 0)["id"]  # type: ignore[arg-type]  # names of fields


def test_an_action_on_an_outage_names_its_gateway() -> None:
    outage = replace(ACTION, subject=None, gateway="seoul-1", alert="gateway_outage:seoul-1:x", outcome="called")
    assert command(outage, 0).items() >= {"gateway": "seoul-1", "outcome": "called"}.items()
    assert "subject" not in command(outage, 0)
    with pytest.raises(ContractError, match=r"^type$"):
        command(replace(outage, type=CommandType.RESOLVE), 0)


@pytest.mark.parametrize(("changes", "field"), [
    ({"text": None}, "text"),
    ({"type": CommandType.ASSIGN}, "assignee"),
    ({"type": CommandType.EXCUSE}, "from"),
    ({"type": CommandType.EXCUSE, "first": "2026-11-24"}, "to"),
    ({"type": CommandType.EXCUSE, "first": "2026-11-24", "last": "2026-11-23"}, "to"),
    ({"by": ""}, "by"),
])
def test_a_missing_field_is_named(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ContractError, match=f"^{field}$"):
        command(replace(ACTION, **changes), 0)  # type: ignore[arg-type]  # names of fields


FORMS: list[tuple[str, dict[str, str], int, str]] = [
    ("/alerts/7:sos:0.1.1/acknowledge", {}, 422, "Please enter your name."),
    ("/alerts/7:sos:0.1.1/comment", {"by": "kim", "text": "  "}, 422, "Please write a comment."),
    ("/alerts/7:sos:0.1.1/assign", {"by": "kim"}, 422, "Please enter the person in charge."),
    ("/people/7/excuse", {"by": "kim"}, 422, "Please enter the first day."),
    ("/people/7/unexcuse", {"by": "kim", "from": "2026-11-24", "to": "2026-11-23"}, 422, "not be before the first"),
    ("/alerts/7:sos:0.1.1/excuse", {"by": "kim"}, 404, "no such page"),
    ("/alerts/gateway_outage:seoul-1:x/resolve", {"by": "kim"}, 404, "no such page"),
    ("/alerts/gateway_outage:seoul-1:2026-11-24T00:30:00Z/resolve", {"by": "kim"}, 404, "no such page"),
    ("/alerts/gateway_outage:seoul-1:2026-11-24T00:30:00Z/comment", {"by": "kim"}, 422, "Please write a comment."),
    ("/alerts/7:sos:0.1.1/comment", {"by": "kim", "text": "x", "outcome": "Not a word"}, 422, "out of date"),
    ("/people/7/resolve", {"by": "kim"}, 404, "no such page"),
    ("/people/7/dance", {"by": "kim"}, 422, "cannot be understood"),
    (f"/alerts/{10**12}:sos:0.1.1/resolve", {"by": "kim"}, 422, "out of date"),
]


def test_a_form_that_cannot_be_carried_out_says_why(lonely: Running) -> None:
    for path, data, status, words in FORMS:
        with browser(lonely, "en") as client:
            csrf = csrf_of(client.get("/people/7"))
            page = client.post(path, data={"csrf": csrf, **data})
            sentence = client.post(path, data={"csrf": csrf, **data}, headers={"x-anbu": "sentence"})
        assert (path, page.status_code, sentence.status_code) == (path, status, status)
        assert words in page.text
        assert words in sentence.text
        assert "<" not in sentence.text
