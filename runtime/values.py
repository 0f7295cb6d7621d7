"""Each parser of a setting returns the value, or raises ValueError, which says what the value must be."""

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

CLOCK_OCTETS: Final = 8
LONGEST_TICK_S: Final = 60


def text(value: str) -> str:
    return value


def whole(value: str, low: int, high: int, what: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10 and low <= int(value) <= high):
        raise ValueError(f"must be {what}, not {value[:40]}")
    return int(value)


def positive(value: str) -> int:
    return whole(value, 1, 1_000_000, "a whole number of at least 1")


def port(value: str) -> int:
    return whole(value, 0, 65_535, "a port from 0 to 65535")


def seconds(value: str) -> float:
    wrong = ValueError(f"must be a number of seconds, not {value[:40]}")
    try:
        number = float(value)
    except ValueError:
        raise wrong from None
    if not 0 <= number < float("inf"):
        raise wrong
    return number


def tick(value: str) -> float:
    number = seconds(value)
    if number > LONGEST_TICK_S:
        raise ValueError(f"must be at most {LONGEST_TICK_S} seconds, not {value[:40]}: readers take a silence of "
                         "two or three minutes for an outage")
    return number


def session(value: str) -> float:
    number = seconds(value)
    if not 1 <= number <= 1800:
        raise ValueError(f"must be 1 to 1800 seconds, not {value[:40]}")
    return number


def brokers(value: str) -> str:
    for one in value.split(","):
        host, _, number = one.rpartition(":")
        if not host.strip():
            raise ValueError(f"must be host:port, separated by commas, not {value[:80]}")
        port(number)
    return value


def readable(value: str) -> str:
    try:
        with Path(value).open("rb"):
            return value
    except OSError as error:
        raise ValueError(f"{value} cannot be read: {error.strerror}") from None


def clock(value: str) -> str:
    try:
        with Path(value).open("r+b") as file:  # the mode in which the file is mapped, reading and writing
            if len(file.read(CLOCK_OCTETS)) == CLOCK_OCTETS:
                return value
    except OSError as error:
        raise ValueError(f"{value} cannot be read and written: {error.strerror}") from None
    raise ValueError(f"{value} is not a clock: a clock has {CLOCK_OCTETS} octets")


def certificates(value: str) -> str:
    try:
        ssl.create_default_context(cafile=readable(value))
    except ssl.SSLError:
        raise ValueError(f"{value} has no readable certificate in PEM form") from None
    return value


def name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", value):  # a topic's name may have 249, and suffixes are added
        raise ValueError("must consist of letters, digits and . _ - like the name of a topic, at most 200 characters")
    return value


def token(value: str) -> str:
    if not (value.isascii() and value.isprintable() and value == value.strip()):
        raise ValueError("must be printable ASCII without spaces at its ends, because it is sent in an HTTP header")
    return value


def worker_port(value: str) -> int:
    return whole(value, 1, 65_535, "a port from 1 to 65535, because other processes must know it")


def address(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port  # raises ValueError for an impossible port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not value.isprintable():
        raise ValueError("must be a URL such as https://anbu.example.org")
    return value


def url(value: str) -> str:
    return address(value).rstrip("/")


def flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return value.lower() == "true"


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return parse


def some_of(*choices: str) -> Callable[[str], tuple[str, ...]]:
    """Return a parser of names with commas between."""
    def parse(value: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        if not names or not set(names) <= set(choices):
            raise ValueError(f"must name some of {', '.join(choices)}, separated by commas")
        return names

    return parse
