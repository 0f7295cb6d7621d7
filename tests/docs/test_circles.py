"""No file of the product imports, by whatever way round, a file that imports it; and none is too long to read."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("models", "runtime", "local", "streams", "agents", "stores", "gateway", "notifiers", "web", "worker",
                "simulator", "cli", "bench")
MOST_LINES: Final = 300


def modules() -> dict[str, Path]:
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path
            for room in ROOMS for path in (ROOT / room).rglob("*.py")}


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules that a file imports, those for type checkers alone too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module} | {f"{node.module}.{one.name}" for one in node.names}
    return found & known.keys()


def test_there_is_no_circle_of_imports() -> None:
    known = modules()
    assert len(known) > 200
    sorter = TopologicalSorter({name: imports(path, known) for name, path in known.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise AssertionError(f"a circle: {' -> '.join(error.args[1])}") from None


def test_no_file_is_longer_than_one_can_read() -> None:
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}
