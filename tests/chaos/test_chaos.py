"""What `make chaos` promises beside its rounds: it leaves nothing behind, and what shows nothing is no success."""

import math
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from support.audit import Audit

from chaos import run
from chaos.faults import Faults
from chaos.rolling import figures, problems
from chaos.round import Outcome
from local.embedded import ChildService, free_port


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


async def test_a_node_that_dies_twice_is_started_once(tmp_path: Path) -> None:
    """A second process would outlive the run. Any program that serves a port will do for a broker here."""
    ports = [free_port() for _ in range(3)]
    nodes = [ChildService([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], port,
                          tmp_path / f"{port}.log") for port in ports]
    system = SimpleNamespace(kafka=SimpleNamespace(nodes=nodes))
    faults = Faults(system, Random(1))  # type: ignore[arg-type]
    for node in nodes:
        node.start()
    try:
        for _ in range(4):
            await faults.act("node_dies")
        assert not any(node.runs for node in nodes)
        await faults.mend()
        assert all(node.runs for node in nodes)
        with pytest.raises(RuntimeError, match="already"):
            nodes[0].start()
    finally:
        for node in nodes:
            node.stop()
    assert [port for port in ports if answers(port)] == []


@pytest.fixture
def signals() -> Iterator[None]:
    """A run takes them for itself, being a process of its own otherwise."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(("until", "status"), [(3, 0), (2, 1), (0, 1)])
def test_a_run_that_was_cut_short_fails(monkeypatch: pytest.MonkeyPatch, until: int, status: int) -> None:
    """All rounds that were played were right, and the run still fails."""
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
def test_a_round_without_inputs_or_outputs_fails(found: Audit, *, wrong: bool) -> None:
    outcome = Outcome(1)
    outcome.take(found)
    assert bool(outcome.problems) is wrong


@pytest.mark.parametrize(("steady", "rolling", "exits", "told"), [
    ((11.0, 0.2), (20.0, 1.5), {0: 3}, None),
    ((11.0, 0.2), (20.0, 10.1), {0: 3}, None),
    ((11.0, 0.2), (20.0, 10.3), {0: 3}, "10.1 s longer"),
    ((11.0, 0.2), (20.0, math.inf), {0: 3}, "inf s longer"),
    ((11.0, 0.2), (15.0, 0.1), {0: 3}, "inf s longer"),
    ((20.0, 0.2), (20.0, 1.5), {0: 3}, "inf s longer"),
    ((11.0, 0.2), (20.0, 1.5), {0: 2, 70: 1}, "status 70")])
def test_a_rolling_restart_with_a_long_wait_fails(steady: tuple[float, float], rolling: tuple[float, float],
                                                  exits: dict[int, int], told: str | None) -> None:
    """A record waited more than ten seconds longer, or without end; or there is no value to compare with."""
    wrong = problems(figures({0: [(1.0, 30.0), steady], 1: [rolling]}, 10.0, 20.0), Counter(exits))
    assert len(wrong) == (told is not None)
    assert told is None or told in wrong[0]
