"""What the core answers on made-up days, as digests: they tell whether another tree answers the same, to the octet.

    PYTHONPATH=tests python -m naive.digests DAYS > tests/states/days.jsonl

A line for each day: its seed, and a digest after every hundred records of all until then: outputs with their headers,
now and then the views of all people, at the end what the lane tells of itself, and the views after a restart.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import orjson

from cli.replay import read_records
from models.contract.documents import Output
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.wire.keys import KeyRing
from naive.days import made_up
from naive.devices import KEKS

EVENTS: Final = 1600
_EVERY, _KEPT_EVERY, _VIEWED_EVERY = 100, 7, 97


def digests(seed: int, events: int = EVENTS) -> list[str]:
    """Of one made-up day. States are kept and read back again and again, as a worker does from batch to batch."""
    fold, lane, said = Fold(KeyRing(KEKS)), LaneState(0), sha256()
    kept: dict[bytes, bytes] = {}
    found = []
    for number, record in enumerate(read_records(map(orjson.dumps, made_up(seed, events)), f"day {seed}", Counter())):
        for output in fold(lane, record):
            said.update(_line(output))
        if number % _KEPT_EVERY == 0:
            _keep(lane, kept)
        if number % _VIEWED_EVERY == 0:
            said.update(_views(lane, kept))
        if number % _EVERY == _EVERY - 1:
            found.append(said.hexdigest()[:16])
    _keep(lane, kept)
    said.update(repr(tuple(lane.summary())).encode())
    restarted = LaneState(0)
    for key, value in kept.items():
        restarted.restore(key, value)
    restarted.ready()
    said.update(_views(restarted, kept))
    return [*found, said.hexdigest()[:16]]


def _line(output: Output) -> bytes:
    return repr((output.topic, output.key, output.value, output.partition, output.headers)).encode()


def _keep(lane: LaneState, kept: dict[bytes, bytes]) -> None:
    for key, value in lane.take_touched():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value


def _views(lane: LaneState, kept: dict[bytes, bytes]) -> bytes:
    return orjson.dumps([lane.view(int(key)) for key in sorted(kept) if key[:1] != b"\0"])


def _lines(days: int) -> Iterator[str]:
    for seed in range(days):
        yield json.dumps({"seed": seed, "digests": digests(seed)})


if __name__ == "__main__":
    for line in _lines(int(sys.argv[1])):
        print(line, flush=True)  # noqa: T201 - a program that prints
