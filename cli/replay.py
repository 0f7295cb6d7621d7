"""`anbu replay`: the pure core over a recorded day, without a broker; the same fold that the `watch` agent calls."""

import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import click
import orjson

from cli.options import process_settings
from models.contract.documents import Output
from models.contract.inputs import Record
from models.contract.topics import INPUTS
from models.errors import Rejected
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.wire.frame import find_frame, read_header
from models.wire.keys import KeyRing
from runtime.keks import key_ring

_LONG = re.compile(rb"\d{19}")  # may be an integer of more than 64 bits


class BadLine(click.ClickException):
    """A line that is no record of a recorded day."""

    exit_code = 2


def natural_key(topic: str, value: Any) -> bytes | None:
    """The key that a record would have on its topic, if its line has none: the subject, else the sender."""
    if not isinstance(value, dict):
        return None
    if topic != "sms":
        subject = value.get("subject")
        return b"%d" % subject if type(subject) is int else None
    text, binary, sender = (value.get(name) for name in ("text", "binary", "sender"))
    if isinstance(text, str) or isinstance(binary, str):
        frame = find_frame(text if isinstance(text, str) else None, binary if isinstance(binary, str) else None)
        if not isinstance(frame, Rejected):
            return b"%d" % read_header(frame).subject
    return sender.encode("utf-8", "replace") if isinstance(sender, str) else None


def _check_topic(topic: object) -> None:
    if topic not in INPUTS:
        raise ValueError(f"topic {topic!r} is none of {', '.join(INPUTS)}")


def _parsed(line: bytes) -> tuple[Any, bool]:
    """A line as JSON, and whether it is odd: orjson rejects lone surrogates and NaN, and rounds long integers."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line), True
    return (document, False) if _LONG.search(line) is None else (json.loads(line), True)


def _octets(value: Any, *, odd: bool) -> bytes | None:
    """The octets of a value as a record holds them; None is a tombstone. odd: the value keeps the form of its line."""
    if value is None:
        return None
    try:
        return json.dumps(value).encode() if odd else orjson.dumps(value)
    except TypeError:  # orjson reads a value of this depth, but cannot write it
        return json.dumps(value).encode()


def _raw(text: str) -> tuple[bytes, Any]:
    """The octets behind "raw", and their value if they are JSON."""
    octets = b64decode(text, validate=True)
    try:
        return octets, orjson.loads(octets)
    except orjson.JSONDecodeError:
        return octets, None


def read_records(lines: Iterable[bytes], name: str, offsets: Counter[str]) -> Iterator[Record]:
    """The records of a recorded day, as of partition 0; offsets are counted by topic. Raises BadLine."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            document, odd = _parsed(line)
            topic, value = document["topic"], document.get("value")
            _check_topic(topic)
            octets, value = _raw(document["raw"]) if "raw" in document else (_octets(value, odd=odd), value)
            key = document["key"].encode() if document.get("key") is not None else natural_key(topic, value)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadLine(f'{name}, line {number}: {error!s}; a line is '
                          f'{{"topic": "sms|registry|commands", "value": …}}') from error
        yield Record(topic, 0, offsets[topic], key, octets)
        offsets[topic] += 1


def as_line(output: Output) -> bytes:
    key = None if output.key is None else output.key.decode("utf-8", "replace")
    value = None if output.value is None else orjson.Fragment(output.value)
    return orjson.dumps({"topic": output.topic, "key": key, "value": value}, option=orjson.OPT_APPEND_NEWLINE)


def fold_all(records: Iterable[Record], keys: KeyRing) -> Iterator[Output]:
    """Fold records in order into one lane that owns all people."""
    lane, fold = LaneState(0), Fold(keys)
    for record in records:
        yield from fold(lane, record)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.File("rb"), metavar="FILE…")
def replay(files: tuple[BinaryIO, ...]) -> None:
    """Judge a recorded day and print the outputs.

    FILE has one JSON object a line: {"topic": "sms|registry|commands", "value": …}. "raw" (base64) takes the place of
    "value" for octets that are not JSON. "key" is needed if the value does not show it (a tombstone). "-" is standard
    input. The key-encryption keys are read from ANBU_KEK_FILE.
    """
    offsets: Counter[str] = Counter()
    out = click.get_binary_stream("stdout")
    records = (record for file in files for record in read_records(file, file.name, offsets))
    with process_settings() as settings:
        keys = key_ring(settings)
    for output in fold_all(records, keys):
        out.write(as_line(output))
