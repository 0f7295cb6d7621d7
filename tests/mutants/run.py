"""Plant each mistake in a copy of the tree, run the tests of the rules, and say which let it through.

    python -m mutants.run [WORD]      only mutations whose file or harm contains the word

Exit status 1 where one survives, or where its text does not stand exactly once in its file.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutants.mutation import Mutation
from mutants.mutations import MUTATIONS

ROOT = Path(__file__).parents[2]
PARTS = ("models", "cli", "streams", "runtime", "simulator", "tests/models", "tests/support", "tests/vectors",
         "tests/stories", "tests/naive")
FILES = ("pyproject.toml", "tests/conftest.py")
TESTS = ("tests/models/test_stories.py", "tests/models/test_scenarios.py", "tests/models/test_state.py",
         "tests/models/test_results.py", "tests/models/test_calendar.py", "tests/models/test_device_clock.py",
         "tests/models/test_asking.py", "tests/models/test_commands.py", "tests/models/test_contract.py")
LIMIT_S = 180
NONE_FAILED, SOME_FAILED = 0, 1


def verdict(mutation: Mutation) -> str:
    """caught, survived, or why it could not be planted."""
    with tempfile.TemporaryDirectory(prefix="anbu-mutant-") as name:
        folder = Path(name)
        for part in PARTS:
            if (ROOT / part).exists():
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for file in FILES:
            if (ROOT / file).exists():
                shutil.copy(ROOT / file, folder / file)
        path = folder / "models/judgement" / mutation.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutation.find) != 1:
            return f"stale: the text is {text.count(mutation.find)} times in the file"
        path.write_text(text.replace(mutation.find, mutation.replace), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider",
                   "--no-header", *TESTS]
        environ = {**os.environ, "PYTHONPATH": f"{folder}:{folder / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return "caught"  # tests that never end do not pass
    if done.returncode == SOME_FAILED:
        return "caught"
    return "survived" if done.returncode == NONE_FAILED else f"pytest exited with {done.returncode}"


def main(word: str = "") -> int:
    chosen = [one for one in MUTATIONS if word in one.file or word in one.harm]
    print(f"planting {len(chosen)} mistakes")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = []
        for number, (mutation, said) in enumerate(zip(chosen, pool.map(verdict, chosen), strict=True), start=1):
            print(f"{number:>3} of {len(chosen)}  {said:<9} {mutation.file:<22} {mutation.harm}", flush=True)
            verdicts.append(said)
    caught = verdicts.count("caught")
    print(f"{caught} of {len(chosen)} caught")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
