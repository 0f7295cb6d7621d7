"""The embedded database of demo and tests: SecantusDB, a child process that speaks MongoDB's wire protocol."""

import shutil
import sys
from pathlib import Path
from typing import Final

EMBEDDED_SET: Final = "secantus"  # the name of the replica set that it reports


def embedded_database_command(folder: Path, port: int) -> list[str]:
    """The command that serves MongoDB's protocol on a port of the loopback address. Needs the extra `embedded`."""
    program = Path(sys.executable).with_name("secantusd-py")
    found = str(program) if program.exists() else shutil.which("secantusd-py")
    if found is None:
        raise FileNotFoundError("the embedded database is not installed: pip install 'anbu[embedded]'")
    return [found, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder), "--sync-on-commit"]
