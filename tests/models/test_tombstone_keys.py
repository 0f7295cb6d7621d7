"""A tombstone has only its key, which any producer may write: each key is accepted, or goes to quarantine."""

import pytest
from support.vectors import key_ring

from models.contract.inputs import Record
from models.contract.records import subject_of_key
from models.errors import ContractError
from models.judgement.fold import Fold
from models.judgement.lane import LaneState


@pytest.mark.parametrize(("key", "subject"), [(b"0", 0), (b"42", 42), (b"4294967295", (1 << 32) - 1)])
def test_a_key_that_is_a_number_names_the_subject(key: bytes, subject: int) -> None:
    assert subject_of_key(key) == subject


@pytest.mark.parametrize("key", [None, b"", b"-1", b"x", b"1.0", "\u0664".encode(), b"9" * 11, b"9" * 5000, b"0042"],
                         ids=["none", "empty", "minus", "letter", "fraction", "other digits", "long", "very long",
                              "zeros"])
def test_a_key_that_is_no_number_goes_to_quarantine(key: bytes | None) -> None:
    with pytest.raises(ContractError, match=r"^key$"):
        subject_of_key(key)
    outputs = Fold(key_ring())(LaneState(0), Record("registry", 0, 0, key, None))
    assert [output.topic for output in outputs] == ["quarantine"]
