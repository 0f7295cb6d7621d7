"""A question on the topic `asks` is read as it was written, and refused by the name of the wrong field."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.asks import Ask, parse_ask
from models.contract.outputs import write_ask
from models.contract.records import parse_object
from models.errors import ContractError
from models.window import Window

TEXT = "W.IQAAACoTsAIUsTacwiKL14ywaQjIztw2ZigSTMl14gFzNxeGFHYQ7ZcEk9ceuv6uvBPFJJWczMw"
ASK = Ask(subject=42, site="jongno", gateway="seoul-1", slot=0, window=Window.parse("2026-11-24:morning"), number=2,
          to="+821000000042", text=TEXT, at=1_795_479_300, until=1_795_480_200)
DOCUMENT = {
    "type": "ask", "id": "2026-11-24:morning/2", "subject": 42, "site": "jongno", "gateway": "seoul-1", "slot": 0,
    "window": "2026-11-24:morning", "number": 2, "to": "+821000000042", "text": TEXT, "at": "2026-11-24T00:15:00Z",
    "until": "2026-11-24T00:30:00Z"}


def test_a_question_is_written_as_the_contract_says() -> None:
    output = write_ask(ASK)
    assert (output.topic, output.key, output.partition) == ("asks", b"42", None)
    assert list(json.loads(output.value or b"").items()) == list(DOCUMENT.items())


@given(st.builds(
    Ask, subject=st.integers(0, 2**32 - 1), site=st.text(min_size=1, max_size=9), gateway=st.just("seoul-1"),
    slot=st.integers(0, 7), window=st.integers(0, 2**16 - 2), number=st.integers(1, 255),
    to=st.from_regex(r"\+[0-9]{7,15}", fullmatch=True), text=st.just(TEXT), at=st.integers(1, 2**32),
    until=st.integers(1, 2**32)))
def test_a_question_is_read_as_it_was_written(ask: Ask) -> None:
    assert parse_ask(parse_object(write_ask(ask).value or b"")) == ask


@pytest.mark.parametrize(("field", "value"), [
    ("type", "tick"), ("subject", "42"), ("site", None), ("gateway", ""), ("slot", 8), ("slot", True),
    ("window", "2026-11-24"), ("window", None), ("number", 0), ("number", 256), ("to", None), ("to", "1666"),
    ("text", ""), ("at", "now"), ("until", None),
])
def test_a_broken_question_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ContractError, match=f"^{field}$"):
        parse_ask({**DOCUMENT, field: value})


@given(st.sampled_from(sorted(DOCUMENT)), st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_no_other_error_comes_of_any_field(field: str, value: Any) -> None:
    with contextlib.suppress(ContractError):
        parse_ask({**DOCUMENT, field: value})
