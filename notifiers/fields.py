"""Each error in a channel of the routes file names its place and says what to do.

This file reads the fields of one channel. A secret NAME may also be given as NAME_file, the path of a file that holds
it. A field that the channel's adapter does not read is refused.
"""

import ipaddress
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx

from models.json_object import JsonView
from models.notifications.routes import RoutesError

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_LABEL: Final = re.compile(r"[\w-]+")  # a label of a host name; other letters than ASCII too: the resolver encodes them


class Fields:
    """The fields of one channel.

    place: where the channel is in the file.
    asks: the channel sends questions to devices.
    asks_alone: it sends nothing else, so it has no receiver of its own.
    """

    def __init__(self, document: JsonView, place: str, *, asks: bool = False) -> None:
        self._document, self.place, self.asks = document, place, asks
        self.asks_alone = asks and "to" not in document
        self._asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self._asked.add(name)
        return self._document.get(name, default)

    def wrong(self, name: str, why: str) -> RoutesError:
        return RoutesError(f"{self.place}.{name}: {why}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.get(name, default)
        if value is None:
            raise self.wrong(name, "is missing")
        if not isinstance(value, str) or not value.strip() or value != value.strip():
            raise self.wrong(name, "must be a text without blanks at its ends")
        return value

    def secret(self, name: str) -> str:
        """Return the value of a secret, or the content of the file that NAME_file names."""
        path = self.get(f"{name}_file")
        if path is None:
            if self.get(name) is None:
                raise self.wrong(f"{name}_file", "is missing: set it to the path of a file that holds the secret")
            return self.text(name)
        try:
            value = Path(self.text(f"{name}_file")).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise self.wrong(f"{name}_file", f"{path} cannot be read") from None
        if not value:
            raise self.wrong(f"{name}_file", f"{path} is empty")
        return value

    def has(self, *names: str) -> bool:
        return any(self.get(name) is not None for name in names)

    def address(self, name: str, default: str | None = None, *, secret: bool = False) -> str:
        """Return a URL. It must be https, because the messages are about people.

        http is accepted to this machine, or if the channel says `plain`.
        """
        value = self.secret(name) if secret else self.text(name, default)
        parts = _parts(value)
        if parts is None or parts.scheme not in ("http", "https"):
            raise self.wrong(name, "must be a URL such as https://host/path")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not self.flag("plain"):
            raise self.wrong(name, 'is http, which sends messages unencrypted: use https, or set "plain": true if the '
                                   "network is your own")
        return value

    def host(self, name: str) -> str:
        """Return a host name or an IP address, without scheme and port."""
        value = self.text(name)
        if not is_host(value):
            raise self.wrong(name, "must be a name such as smtp.example.org, or an IP address: no scheme, no port, no "
                                   "brackets")
        return value

    def header(self, name: str, *, secret: bool = False) -> str:
        """Return a value that can stand in a header of HTTP."""
        value = self.secret(name) if secret else self.text(name)
        if not (value.isascii() and value.isprintable()):
            raise self.wrong(name, "must be ASCII without control characters, because it is sent in an HTTP header")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def port(self, name: str, default: int) -> int:
        value = self.get(name, default)
        if type(value) is not int or not 0 < value < 65_536:
            raise self.wrong(name, "must be a port, 1 to 65535")
        return value

    def rate(self, name: str, default: float) -> float:
        value = self.get(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1000:
            raise self.wrong(name, "must be a number a second, above 0 and at most 1000")
        return float(value)

    def one_of(self, name: str, default: str | None, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise self.wrong(name, f"must be one of {', '.join(choices)}")
        return value

    def fitting(self, name: str, pattern: re.Pattern[str], wanted: str) -> str:
        """Return a text that matches the whole pattern. wanted: the error text for other values."""
        value = self.text(name)
        if pattern.fullmatch(value) is None:
            raise self.wrong(name, wanted)
        return value

    def receiver(self, pattern: re.Pattern[str], wanted: str) -> str | None:
        """Return the field `to`, a telephone number; None: the channel only asks devices."""
        return None if self.asks_alone else self.fitting("to", pattern, wanted)

    def texts(self, name: str, default: list[str] | None = None) -> list[str]:
        value = self.get(name, default)
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.wrong(name, "must be a list of texts")
        return value

    def nothing_else(self) -> None:
        for name in self._document:
            if name not in self._asked:
                raise self.wrong(name, f"no such field; the fields are {', '.join(sorted(self._asked))}")


def _parts(address: str) -> SplitResult | None:
    """Split a URL; None if the HTTP client would refuse it. So the fault is found at start-up."""
    try:
        httpx.URL(address)
        parts = urlsplit(address)
        port = parts.port  # raises ValueError for an impossible port
    except (ValueError, httpx.InvalidURL):
        return None
    return None if port == 0 or not is_host(parts.hostname or "") else parts


def is_host(value: str) -> bool:
    """Whether a resolver could take the host: by RFC 1123, or with `_` or letters of any script."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        pass
    else:
        return True
    try:
        value.encode("idna")  # refuses a name that is too long, and an empty label
    except UnicodeError:
        return False
    return all(map(_LABEL.fullmatch, value.removesuffix(".").split(".")))
