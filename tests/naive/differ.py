"""Runs made-up days through the oracle and the core, and shows the first day that they judge in two ways, made small.

    PYTHONPATH=.:tests python -m naive.differ --days 500 --first 0 --events 60 --to differing.jsonl

`--lanes 3` puts the people into three lanes, and some records into the wrong one. The small day is printed in words,
with what differs, and written to `--to` as input of `anbu replay`; its key-encryption keys stand beside it, in
`differing.jsonl.kek.json`. Exit status 1: a day differs.
"""

import argparse
import base64
import json
import sys
import traceback
from collections import Counter
from pathlib import Path

from support.compare import differences
from support.vectors import replay as replay_of_the_core

from cli.replay import as_line, read_records
from models.contract.inputs import Record
from models.contract.topics import INPUTS
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.wire.keys import KeyRing
from naive.days import made_up
from naive.devices import KEKS
from naive.lanes import placed, replay_in_lanes
from naive.oracle import replay as replay_of_the_oracle
from naive.records import Json
from naive.shrink import smaller, story

Forward = tuple[str, int, int]


def differing(lines: list[Json]) -> list[str]:
    """What the oracle expects and the core says, thread by thread; empty where they say the same."""
    expected = replay_of_the_oracle(lines, KEKS)
    try:
        return differences(expected, replay_of_the_core(lines, KeyRing(KEKS)))
    except Exception:  # noqa: BLE001 - whatever the core raises is a difference
        return [f"the core raised\n{traceback.format_exc()}"]


def differing_in_lanes(seed: int, lines: list[Json], number: int) -> list[str]:
    """The same where the people are in `number` lanes, and what each lane forwards."""
    story_of_lanes = placed(seed, lines, number)
    expected = replay_in_lanes(story_of_lanes, KEKS, number)
    try:
        got, forwards = core_in_lanes(story_of_lanes, number)
    except Exception:  # noqa: BLE001 - whatever the core raises is a difference
        return [f"the core raised\n{traceback.format_exc()}"]
    found = [f"lane {lane}: {one}" for lane in range(number)
             for one in differences(expected.lines()[lane], got[lane])]
    return found + ([] if forwards == expected.forwards else [f"forwarded {expected.forwards}, got {forwards}"])


def core_in_lanes(placed_lines: list[tuple[int, Json]], number: int) -> tuple[list[list[Json]], list[Forward]]:
    """The outputs of each lane of the core, and what was forwarded: topic, from lane, to lane."""
    fold = Fold(KeyRing(KEKS), lambda subject: subject % number)
    lanes, offsets = [LaneState(lane) for lane in range(number)], Counter[tuple[int, str]]()
    said: list[list[Json]] = [[] for _ in lanes]
    forwards: list[Forward] = []

    def add(lane: int, record: Record) -> None:
        offset = offsets[lane, record.topic]
        offsets[lane, record.topic] += 1
        here = Record(record.topic, lane, offset, record.key, record.value, record.headers)
        for output in fold(lanes[lane], here):
            if output.topic in INPUTS:
                assert output.partition is not None
                forwards.append((output.topic, lane, output.partition))
                add(output.partition, Record(output.topic, 0, 0, output.key, output.value, output.headers))
            else:
                said[lane].append(json.loads(as_line(output)))

    for lane, line in placed_lines:
        for record in read_records([json.dumps(line).encode()], "lines", Counter()):
            add(lane, record)
    return said, forwards


def first_difference(first: int, days: int, events: int, lanes: int = 1) -> tuple[int, list[Json], list[str]] | None:
    """The seed of the first day that differs, its lines made small, and what differs."""
    for seed in range(first, first + days):
        def found(lines: list[Json], seed: int = seed) -> list[str]:
            return differing(lines) if lanes == 1 else differing_in_lanes(seed, lines, lanes)

        lines = made_up(seed, events)
        if found(lines):
            small = smaller(lines, lambda some: bool(found(some)))
            return seed, small, found(small)
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
    parser.add_argument("--lanes", type=int, default=1, help="people in so many lanes, records in the wrong one too")
    options = parser.parse_args(arguments)
    found = first_difference(options.first, options.days, options.events, options.lanes)
    if found is None:
        sys.stdout.write(f"{options.days} days: the oracle and the core say the same\n")
        return 0
    seed, lines, differ = found
    write(lines, options.to)
    sys.stdout.write(f"seed {seed}: {len(lines)} lines, written to {options.to}\n{story(lines)}\n\n"
                     "expected: of the oracle; got: of the core\n" + "\n".join(differ) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
