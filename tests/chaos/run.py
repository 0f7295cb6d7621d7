"""`make chaos`: rounds of chaos, each from a seed of its own.

Status 1 where one went wrong, whose seed is told, or where fewer were played than asked for.

    python -m chaos.run [--seed 1] [--rounds 5] [--keep FOLDER] [--json]
"""

import asyncio
import logging
import signal
import sys
import tempfile
import traceback
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import orjson

from chaos.round import Outcome, play
from chaos.system import Ground, ground
from local.embedded import EmbeddedError


def main() -> int:
    parser = ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next has the next one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="keep the logs of rounds that went wrong in this folder")
    parser.add_argument("--json", action="store_true", help="a summary for machines, on standard output")
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)  # so that brokers and workers are ended
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that a broker is away is meant
    with tempfile.TemporaryDirectory(prefix="anbu-chaos-") as name, ExitStack() as stack:
        folder = Path(name)
        grounds: dict[int, Ground] = {}
        outcomes = []
        try:
            for seed in range(given.seed, given.seed + given.rounds):
                nodes = 3 if seed % 3 == 0 else 1
                if nodes not in grounds:
                    home = folder / f"ground-{nodes}"
                    home.mkdir()
                    grounds[nodes] = stack.enter_context(ground(home, nodes))
                try:
                    outcomes.append(asyncio.run(play(seed, grounds[nodes], folder / f"round-{seed}")))
                except Exception:  # noqa: BLE001 - the next round goes on; this one is reported
                    outcomes.append(Outcome(seed, [traceback.format_exc()[-400:]]))
                _tell(outcomes, given.rounds)
                if outcomes[-1].problems and given.keep is not None:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    (folder / f"round-{seed}").rename(given.keep / f"round-{seed}")
        except KeyboardInterrupt:
            sys.stderr.write("ended; what has been played so far:\n")
        except EmbeddedError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    return _summarize(outcomes, given.rounds, as_json=given.json)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _tell(outcomes: list[Outcome], rounds: int) -> None:
    """One line a round, and the problems of a bad one."""
    last = outcomes[-1]
    verdict = "right" if not last.problems else "WRONG"
    exits = " ".join(f"{status}×{count}" for status, count in sorted(last.exits.items()))
    sys.stderr.write(f"round {len(outcomes)} of {rounds}, seed {last.seed}: {verdict}, {last.inputs} inputs, "
                     f"{last.outputs} outputs, {last.asked} questions, {last.repeats} repeats, "
                     f"{last.owners} take-overs, exits {exits}, {last.seconds:.0f} s: {' '.join(last.acts)}\n")
    for problem in last.problems[:10]:
        sys.stderr.write(f"    {problem[:400]}\n")
    if len(last.problems) > 10:
        sys.stderr.write(f"    and {len(last.problems) - 10} more\n")
    sys.stderr.flush()


def _summarize(outcomes: list[Outcome], rounds: int, *, as_json: bool) -> int:
    wrong = [one.seed for one in outcomes if one.problems]
    summary = {
        "rounds": len(outcomes), "asked": rounds, "wrong": wrong, "inputs": sum(one.inputs for one in outcomes),
        "outputs": sum(one.outputs for one in outcomes), "questions": sum(one.asked for one in outcomes),
        "repeats": sum(one.repeats for one in outcomes),
        "take_overs": sum(one.owners for one in outcomes),
        "acts": dict(sorted(Counter(act for one in outcomes for act in one.acts).items())),
        "exits": {str(status): count for status, count in sorted(sum((one.exits for one in outcomes),
                                                                     Counter[int]()).items())},
        "seconds": round(sum(one.seconds for one in outcomes), 1)}
    if as_json:
        sys.stdout.write(orjson.dumps(summary).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{name:<12} {value}\n" for name, value in summary.items()))
    for seed in wrong:
        sys.stderr.write(f"again: make chaos SEED={seed} ROUNDS=1\n")
    return 1 if wrong or len(outcomes) < rounds else 0


if __name__ == "__main__":
    raise SystemExit(main())
