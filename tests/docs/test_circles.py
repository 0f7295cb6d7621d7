"""No file of the product imports, by whatever way round, a file that imports it; no file, test or not, is too long."""

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


def test_no_file_is_longer_than_300_lines() -> None:
    files = [path for room in (*ROOMS, "tests", "deploy") for path in (ROOT / room).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert len(lengths) > 400
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}
