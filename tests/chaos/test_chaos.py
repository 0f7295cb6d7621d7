"""What `make chaos` promises beside its rounds: what shows nothing is no success."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.audit import Audit

from chaos import run
from chaos.round import Outcome


@pytest.fixture
def signals() -> Iterator[None]:
    """A run takes them for itself, being a process of its own otherwise."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(("until", "status"), [(3, 0), (2, 1), (0, 1)])
def test_a_run_that_was_cut_short_is_no_success(monkeypatch: pytest.MonkeyPatch, until: int, status: int) -> None:
    """Also where every round that was played came out right."""
    played: list[int] = []

    async def play(seed: int, *_: object) -> Outcome:
        if len(played) == until:
            raise KeyboardInterrupt
        played.append(seed)
        return Outcome(seed)

    @contextmanager
    def ground(*_: object) -> Iterator[None]:
        yield

    monkeypatch.setattr(run, "play", play)
    monkeypatch.setattr(run, "ground", ground)
    monkeypatch.setattr(sys, "argv", ["chaos", "--rounds", "3"])
    assert run.main() == status


@pytest.mark.parametrize(("found", "wrong"), [(Audit(inputs=1, outputs=1), False), (Audit(inputs=1), True),
                                              (Audit(outputs=1), True)])
def test_a_round_without_inputs_or_outputs_is_a_wrong_one(found: Audit, *, wrong: bool) -> None:
    outcome = Outcome(1)
    outcome.take(found)
    assert bool(outcome.problems) is wrong
