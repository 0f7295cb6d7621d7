"""Makes the secret files that docker-compose.yml mounts, and never changes an existing file.

    python3 deploy/make_secrets.py [FOLDER]          default: ./secrets

Only its owner can open the folder. All users can read the files in it: a container's user, 10001, does not exist on
this machine, and a mounted file keeps its mode. The folder `routes` in it is for the routes file (docs/notify.md) and
for its secrets: make these readable for all users too. Keep a copy of kek.json elsewhere: without it no report can be
read, and no backup of the database has it.
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
    "gateway-secret": _token,        # your SMS provider signs with it
    "web-token": _token,             # users type it to open the page
    "worker-token": _token,          # operator views and /metrics
    "grafana-password": _token,      # user admin
}


ROUTES = "routes"


def make(folder: Path) -> list[str]:
    """Make the missing files. Returns their names."""
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
