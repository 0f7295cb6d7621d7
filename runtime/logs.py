"""Log lines contain nothing that identifies a person and no secret; in JSON each line is one object.

All loggers of the standard library (Anbu's own, Faust, aiokafka, uvicorn) pass the same redaction. Subject numbers
stay: they are pseudonyms, and without them no operator could follow a fault.
"""

import json
import logging.config
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import orjson
import structlog

from runtime.settings import Settings

REDACTED: Final = "[redacted]"
# These loggers use ANBU_LOG_LEVEL.
OURS: Final = ("agents", "cli", "gateway", "local", "notifiers", "runtime", "stores", "streams", "web", "worker")
# Names of fields of an SMS, a command or a setting that are redacted.
FIELDS: Final = frozenset({
    "address", "authorization", "binary", "body", "comment", "cookie", "kek", "original", "password", "phone", "raw",
    "recipient", "secret", "sender", "signature", "text", "token"})
_NAMES: Final = "|".join(sorted(FIELDS))
_PATTERNS: Final = (
    # A field inside a sentence, as JSON or as Python writes a dict.
    (re.compile(rf"""(["'](?:{_NAMES})["']\s*:\s*)b?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.IGNORECASE),
     rf'\1"{REDACTED}"'),
    # An SMS as on the air: a frame, or a part that a carrier has cut off.
    (re.compile(r"W\.[A-Za-z0-9.-]{20,}"), REDACTED),
    (re.compile(r"(?<=://)[^\s/@]+:[^\s/@]*@"), f"{REDACTED}@"),
    # The secret part of a webhook's address; parameters of a request to an SMS provider.
    (re.compile(r"(?<=hooks\.slack\.com/)[^\s\"']+"), REDACTED),
    (re.compile(r"([?&](?:from|key|pass|password|secret|text|to|token|user|username)=)[^&\s\"']+", re.IGNORECASE),
     rf"\1{REDACTED}"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s,;\"']+", re.IGNORECASE), rf"\1 {REDACTED}"),
    # Keys, wrapped or not: 16, 32 and 44 octets in base64 are padded; a path or an identifier is not padded.
    (re.compile(r"[A-Za-z0-9+/_-]{22,}={1,2}(?![A-Za-z0-9=])"), REDACTED),
    # E.164; Korean numbers as people write them; Korean numbers with the country's code, without the plus.
    (re.compile(r"\+\d(?:[ -]?\d){7,14}(?!\d)"), REDACTED),
    (re.compile(r"(?<![\d.:+-])0\d{1,2}[ -]?\d{3,4}[ -]?\d{4}(?!\d)"), REDACTED),
    (re.compile(r"(?<![\d.])82(?:10\d{8}|2\d{7,8}|[3-6]\d{8,9})(?!\d)"), REDACTED),
)


def redacted_text(text: str) -> str:
    for pattern, put in _PATTERNS:
        text = pattern.sub(put, text)
    return text


def redacted(value: Any) -> Any:
    """Return the value without telephone numbers, texts of SMS, keys, passwords and tokens."""
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, bytes):
        return redacted_text(value.decode(errors="replace"))
    if isinstance(value, Mapping):
        return {redacted(name): REDACTED if str(name).lower() in FIELDS else redacted(one)
                for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redacted(one) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return redacted_text(repr(value))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor that redacts. It is the last one before the rendering, so it sees tracebacks too."""
    return {name: REDACTED if name in FIELDS else redacted(value) for name, value in event.items()}


def _json(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:  # such as half a surrogate; if this failed, `logging` would print the line unredacted
        return json.dumps(event, default=repr, skipkeys=True)


def logging_config(settings: Settings, process: str) -> dict[str, Any]:
    """Return the argument of `logging.config.dictConfig`.

    process: gateway, web, worker, or an agent; it stands in every line.
    """

    def named(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"process": process, **event}

    shared = [structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(),
              structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")]
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    last: list[Any] = ([named, structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer(_json)]
                       if as_json else [structlog.processors.format_exc_info, redact,
                                        structlog.dev.ConsoleRenderer(timestamp_key="at", colors=sys.stderr.isatty())])
    level = settings.log_level.upper()
    return {
        "version": 1, "disable_existing_loggers": False,
        "formatters": {"line": {
            "()": structlog.stdlib.ProcessorFormatter, "foreign_pre_chain": shared,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {name: {"level": level} for name in OURS},
    }


def configure(settings: Settings, process: str) -> None:
    logging.config.dictConfig(logging_config(settings, process))
