"""A class name means one thing: it stands in one file of the product."""

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("models", "runtime", "local", "streams", "agents", "stores", "gateway", "notifiers", "web", "worker",
                "simulator", "cli", "bench", "deploy")


def classes(room: str) -> list[tuple[str, str]]:
    """(name, file) of each class of a room, its tests left out."""
    return [(node.name, str(path.relative_to(ROOT)))
            for path in sorted((ROOT / room).rglob("*.py")) if "tests" not in path.parts[len(ROOT.parts):]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)]


def test_a_class_name_stands_in_one_file() -> None:
    files: dict[str, set[str]] = defaultdict(set)
    for room in ROOMS:
        for name, file in classes(room):
            files[name].add(file)
    assert len(files) > 200
    assert {name: sorted(where) for name, where in files.items() if len(where) > 1} == {}
