"""The golden frames and scenarios, made by an independent implementation of docs/wire-format.md and docs/rules.md."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from cli.replay import as_line, fold_all, read_records
from models.wire.keys import KeyRing, parse_keks

VECTORS = Path(__file__).parents[1] / "vectors"
SCENARIOS = sorted(path.name.removesuffix(".in.jsonl") for path in (VECTORS / "scenarios").glob("*.in.jsonl"))
KEK_FILE = VECTORS / "scenarios" / "kek.json"


def key_ring() -> KeyRing:
    return KeyRing(parse_keks(KEK_FILE.read_bytes()))


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def replay(lines: list[dict[str, Any]], keys: KeyRing) -> list[dict[str, Any]]:
    """What `anbu replay` prints for these lines."""
    raw = [json.dumps(line).encode() for line in lines]
    return [json.loads(as_line(output)) for output in fold_all(read_records(raw, "lines", Counter()), keys)]
