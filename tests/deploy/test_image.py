"""What is installed gets into the image: each package that is built is let in, and each that is imported is built."""

import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PYPROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BUILT: Final = {one.removesuffix("*") for one in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}


def test_each_package_of_the_build_is_in_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert len(BUILT) > 10
    assert let_in >= BUILT | {"pyproject.toml", "requirements", "README.md", "LICENSE"}


def test_each_package_whose_imports_are_checked_is_built() -> None:
    assert set(PYPROJECT["tool"]["importlinter"]["root_packages"]) == BUILT
