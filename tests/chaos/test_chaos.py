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

import orjson
import pytest
from support.audit import Audit
from support.endpoint import Request

from chaos import run
from chaos.asked import wrong
from chaos.faults import Faults
from chaos.load import load
from chaos.rolling import figures, problems
from chaos.round import PARTITIONS, PEOPLE, SCENARIOS, Outcome
from local.embedded import ChildService, free_port
from models.contract.inputs import Record
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.wire.keys import KeyRing, parse_keks
from simulator.fleet import Fleet
from streams.partition import partition_of


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


@pytest.mark.parametrize(("found", "fails"), [
    (Audit(inputs=1, outputs=1, asked=[{}]), False), (Audit(inputs=1, asked=[{}]), True),
    (Audit(outputs=1, asked=[{}]), True), (Audit(inputs=1, outputs=1), True)])
def test_a_round_without_inputs_or_outputs_or_questions_fails(found: Audit, *, fails: bool) -> None:
    outcome = Outcome(1)
    outcome.take(found)
    assert bool(outcome.problems) is fails


@pytest.mark.parametrize("seed", range(len(SCENARIOS)))
def test_a_load_has_what_it_promises(seed: int) -> None:
    """Folded without faults: questions and answers, counters that fell back, and an SMS of two lanes in each."""
    fleet = Fleet(PEOPLE, 1, seed=seed, scenario=SCENARIOS[seed][0])
    fold = Fold(KeyRing(parse_keks(orjson.dumps(fleet.keks()))), lambda subject: partition_of(subject, PARTITIONS))
    lanes, found = [LaneState(number) for number in range(PARTITIONS)], Counter[str]()
    for line in load(fleet, PARTITIONS, Random(seed)):
        for number in range(PARTITIONS) if line.partition is None else (line.partition,):
            outputs = fold(lanes[number], Record(line.topic, number, 0, line.key or None, line.value))
            sent_on = [one for one in outputs if one.partition is not None]
            found["sms of two lanes"] += len(outputs) > len(sent_on) > 0 and line.topic == "sms"
            for one in sent_on:
                outputs += fold(lanes[one.partition or 0], Record(
                    one.topic, one.partition or 0, 0, one.key, one.value, one.headers))
            for value in (orjson.loads(one.value or b"") for one in outputs if one.partition is None):
                found["questions"] += value.get("type") == "ask"
                found["answers"] += value.get("answers") is not None
                found["counters"] += value.get("type") == "report" and "@" in value["id"]
                found["refused"] += value.get("type") == "refused" and value["subject"] is None
                found["outages obeyed"] += "gateway_outage" in value.get("id", "") and bool(value["data"]["command"])
    assert min(found[name] for name in ("sms of two lanes", "questions", "answers", "counters", "refused")) > 0
    assert bool(found["outages obeyed"]) is (SCENARIOS[seed][0] == "outage")


QUESTION = {"subject": 42, "id": "2026-11-24:afternoon/1", "to": "+821000000042", "text": "W.x",
            "at": "2026-11-24T06:00:00Z", "until": "2026-11-24T06:30:00Z"}
MORNING = {**QUESTION, "id": "2026-11-24:morning/1", "at": "2026-11-24T00:00:00Z", "until": "2026-11-24T00:30:00Z"}
SENT = {"id": "42/2026-11-24:afternoon/1", "to": "+821000000042", "text": "W.x", "valid": "12600"}


@pytest.mark.parametrize(("asked", "sent", "told"), [
    ([QUESTION, QUESTION, MORNING], [SENT, SENT], None),
    ([QUESTION], [], "never sent"),
    ([QUESTION, MORNING], [SENT, {**SENT, "id": "42/2026-11-24:morning/1", "valid": "1"}], "past its deadline"),
    ([QUESTION], [{**SENT, "valid": "12601"}], "past its deadline"),
    ([QUESTION], [SENT, {**SENT, "text": "W.y"}], "was sent as"),
    ([QUESTION], [SENT, {**SENT, "id": "42/2026-11-24:afternoon/2"}], "was sent as"),
    ([QUESTION, {**QUESTION, "text": "W.y"}], [SENT], "other octets"),
    ([{**MORNING, "at": MORNING["until"]}], [], "asked past the deadline")])
def test_a_round_with_a_wrong_question_fails(asked: list[dict[str, object]], sent: list[dict[str, str]],
                                             told: str | None) -> None:
    noon = 1_795_489_200  # 2026-11-24T03:00:00Z
    requests = [Request("POST", "/sms", {}, orjson.dumps(one)) for one in sent]
    problems = wrong(asked, requests, noon)
    assert len(problems) == (told is not None)
    assert told is None or told in problems[0]


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
