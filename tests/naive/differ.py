"""Runs made-up days through the oracle and the core, and shows the first day that they judge in two ways, made small.

    PYTHONPATH=.:tests python -m naive.differ --days 500 --first 0 --events 60 --to differing.jsonl

The small day is printed in words, with what differs, and written to `--to` as input of `anbu replay`; its
key-encryption keys stand beside it, in `differing.jsonl.kek.json`. Exit status 1: a day differs.
"""

import argparse
import base64
import json
import sys
import traceback
from pathlib import Path

from support.compare import differences
from support.vectors import replay as replay_of_the_core

from models.wire.keys import KeyRing
from naive.days import made_up
from naive.devices import KEKS
from naive.oracle import replay as replay_of_the_oracle
from naive.records import Json
from naive.shrink import smaller, story


def differing(lines: list[Json]) -> list[str]:
    """What the oracle expects and the core says, thread by thread; empty where they say the same."""
    expected = replay_of_the_oracle(lines, KEKS)
    try:
        return differences(expected, replay_of_the_core(lines, KeyRing(KEKS)))
    except Exception:  # noqa: BLE001 - whatever the core raises is a difference
        return [f"the core raised\n{traceback.format_exc()}"]


def first_difference(first: int, days: int, events: int) -> tuple[int, list[Json]] | None:
    """The seed of the first day that differs, and its lines made small."""
    for seed in range(first, first + days):
        lines = made_up(seed, events)
        if differing(lines):
            return seed, smaller(lines, lambda some: bool(differing(some)))
    return None


def write(lines: list[Json], path: Path) -> None:
    """The day as input of `anbu replay`, and the file of its key-encryption keys."""
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    keks = {name: base64.b64encode(key).decode() for name, key in KEKS.items()}
    path.with_name(f"{path.name}.kek.json").write_text(json.dumps(keks), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="naive.differ")
    parser.add_argument("--days", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--events", type=int, default=60, help="the lines of a day")
    parser.add_argument("--to", type=Path, default=Path("differing.jsonl"))
    options = parser.parse_args(arguments)
    found = first_difference(options.first, options.days, options.events)
    if found is None:
        sys.stdout.write(f"{options.days} days: the oracle and the core say the same\n")
        return 0
    seed, lines = found
    write(lines, options.to)
    sys.stdout.write(f"seed {seed}: {len(lines)} lines, written to {options.to}\n{story(lines)}\n\n"
                     "expected: of the oracle; got: of the core\n" + "\n".join(differing(lines)) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
