"""The README is true: its console blocks are run, its settings are those of the code, its links lead somewhere.

A block is a fence of `console`; each line that begins with `$ ` is a command. `make …` runs in this checkout, others in
a folder of their own. `make test` is the run that we are in; `make demo` ends with Ctrl-C, once its page has answered.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from runtime.settings import SETTINGS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
LIMIT_S = 100


def environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("ANBU_", "MAKE", "MFLAGS")) and name != "ARGS"}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def run_demo(command: str) -> None:
    """Start it, find the page that it names, and end it as a person would."""
    process = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=ROOT, env=environ(), stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    try:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            page = re.search(r"the page: (http://\S+)", said)
            if page:
                assert "안부" in httpx.get(page[1], timeout=10).text
                break
        else:
            pytest.fail(f"{command} names no page:\n{said}")
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):  # its broker has a session of its own, which it ends itself
            if process.poll() is None:
                os.killpg(process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=30)


def run_block(block: str, folder: Path) -> None:
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        command = line[2:]
        if command == "make test":
            continue
        if command == "make demo":
            run_demo(command)
            continue
        where = ROOT if command.startswith("make ") else folder
        done = subprocess.run(["bash", "-c", command], cwd=where, env=environ(), capture_output=True, text=True,
                              timeout=LIMIT_S, check=False)
        assert done.returncode == 0, f"$ {command}\n{done.stdout[-500:]}{done.stderr[-1500:]}"


@pytest.mark.timeout(LIMIT_S + 80)
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0].removeprefix("$ ").split(" --")[0])
def test_a_console_block_of_the_readme_runs(block: str, tmp_path: Path) -> None:
    run_block(block, tmp_path)


def test_the_readme_has_console_blocks() -> None:
    assert len(BLOCKS) >= 3


def test_the_settings_are_those_of_the_code() -> None:
    rows = {match[1]: (match[2].strip().strip("`"), match[3].strip())
            for match in re.finditer(r"^\| `(ANBU_\w+)` \|([^|]*)\|([^|]*)\|$", README, re.MULTILINE)}
    assert rows == {one.variable: (one.default or "", one.help) for one in SETTINGS}


@pytest.mark.parametrize("page", ["README.md", "docs/integrate.md", "docs/architecture.md", "docs/operate.md",
                                  "docs/notify.md", "docs/rules.md", "docs/wire-format.md", "docs/contracts.md",
                                  "docs/glossary.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_every_link_leads_to_a_file_or_a_heading(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target
