"""What several commands need: the key-encryption keys, said plainly where they are missing or wrong."""

import os
from pathlib import Path

import click

from models.keys import KeyRing, parse_keks


class Misconfigured(click.ClickException):
    """A missing or wrong setting: one line, exit status 2."""

    exit_code = 2


def key_ring() -> KeyRing:
    """The key ring of ANBU_KEK_FILE."""
    path = os.environ.get("ANBU_KEK_FILE")
    if not path:
        raise Misconfigured('ANBU_KEK_FILE is not set: name a JSON file {"k1": "base64 of 32 octets"}')
    try:
        return KeyRing(parse_keks(Path(path).read_bytes()))
    except OSError as error:
        raise Misconfigured(f"ANBU_KEK_FILE: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Misconfigured(f"ANBU_KEK_FILE: {path} {error}") from None
