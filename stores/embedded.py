"""The embedded database of demo and tests: SecantusDB, a child process that speaks MongoDB's wire protocol."""

import shutil
import sys
from pathlib import Path
from typing import Final

# To find what is over, it would read and decode every document of every collection that has a time of deletion, once in
# a minute, while everybody waits: seconds with a year of history, and for ever where its cache fills meanwhile.
_CONFIG: Final = """\
[storage]
ttl_sweep_seconds = 0
"""


def embedded_database_command(folder: Path, port: int) -> list[str]:
    """The command that serves MongoDB's protocol on a port of the loopback address; makes the folder. It deletes
    nothing by itself, however old it is. Needs the extra `embedded`."""
    program = Path(sys.executable).with_name("secantusd-py")
    found = str(program) if program.exists() else shutil.which("secantusd-py")
    if found is None:
        raise FileNotFoundError("the embedded database is not installed: pip install 'anbu[embedded]'")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "secantusd.toml"
    config.write_text(_CONFIG)
    return [found, "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder),
            "--sync-on-commit"]
