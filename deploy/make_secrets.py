"""Makes the secret files that docker-compose.yml mounts, and never changes one that is there.

    python3 deploy/make_secrets.py [FOLDER]          default: ./secrets

The folder is for its owner alone; the files in it can be read by everybody, because a container's user, 10001, is
nobody on this machine, and what is mounted keeps its mode. In it is a folder `routes`, for the file that says who is
told of what (docs/notify.md) and for its secrets: make these readable by everybody too. Keep a copy of kek.json
elsewhere: without it nobody's reports can be read, and it is in no backup of the database.
"""

import argparse
import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path


def _kek() -> str:
    return json.dumps({"k1": base64.b64encode(secrets.token_bytes(32)).decode()})


def _token() -> str:
    return secrets.token_urlsafe(24)


FILES: dict[str, Callable[[], str]] = {
    "kek.json": _kek,                # key-encryption keys: they wrap the keys of the devices
    "gateway-secret": _token,        # what your SMS gateway signs with
    "web-token": _token,             # what one types to open the page
    "worker-token": _token,          # operator views and /metrics
    "grafana-password": _token,      # user admin
}


ROUTES = "routes"


def make(folder: Path) -> list[str]:
    """The names of the files that were made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / ROUTES).mkdir(exist_ok=True)
    (folder / ROUTES).chmod(0o755)
    made = []
    for name, content in FILES.items():
        path = folder / name
        if not path.exists():
            path.write_text(content())
            path.chmod(0o444)
            made.append(name)
    return made


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("secrets"), metavar="FOLDER")
    folder = parser.parse_args(arguments).folder
    try:
        new = make(folder)
    except OSError as error:
        parser.error(f"{error.filename} cannot be made: {error.strerror}")
    print(f"{folder}: {', '.join(new)} made" if new else f"{folder}: everything is there already, nothing changed")


if __name__ == "__main__":
    main()
