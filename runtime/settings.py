"""Every setting is read once from the environment and checked at start-up; a wrong setting is refused in one line.

Each variable ANBU_X may also be given as ANBU_X_FILE, the path of a file that holds the value (secrets).
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from models.notifications.asks import has_asks
from runtime.values import (
    address,
    brokers,
    certificates,
    clock,
    flag,
    name,
    one_of,
    port,
    positive,
    session,
    some_of,
    text,
    tick,
    token,
    url,
    worker_port,
)

AGENTS: Final = ("watch", "record", "notify", "ask")
Kind = TypeVar("Kind")


class SettingsError(ValueError):
    """A setting is missing or wrong; the text names it and says what to do."""


class Setting(NamedTuple):
    """A setting.

    variable: the name of the environment variable.
    field: the field of Settings.
    default: None if the setting has no default.
    """

    variable: str
    field: str
    default: str | None
    parse: Callable[[str], Any]
    help: str


def _value(variable: str, default: str, parse: Callable[[str], Kind], description: str) -> Kind:
    """Declare a field of Settings. The type of the field is that of the parser."""
    declared: Kind = field(metadata={"variable": variable, "default": default, "parse": parse, "help": description})
    return declared


def _optional(variable: str, parse: Callable[[str], Kind], description: str) -> Kind | None:
    """Declare a field of Settings that is None if the variable is not set."""
    declared: Kind | None = field(metadata={"variable": variable, "default": None, "parse": parse, "help": description})
    return declared


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, parsed. Each field is declared with its variable, default, parser and description."""

    kafka: str = _value(
        "ANBU_KAFKA", "127.0.0.1:9092", brokers, "addresses of the brokers: host:port, separated by commas")
    kafka_security: str = _value(
        "ANBU_KAFKA_SECURITY", "PLAINTEXT", one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        "security protocol of the connection to the brokers")
    kafka_user: str | None = _optional("ANBU_KAFKA_SECURITY_USER", text, "user name for SASL (SCRAM-SHA-512)")
    kafka_password: str | None = _optional("ANBU_KAFKA_SECURITY_PASSWORD", text, "password of this user")
    kafka_ca: str | None = _optional(
        "ANBU_KAFKA_SECURITY_CA", certificates, "path of the file with the certificates of the certificate authority")
    mongodb: str = _value(
        "ANBU_MONGODB", "mongodb://127.0.0.1:27017/anbu", text, "URL of the database, with its name")
    retention_days: str = _value(
        "ANBU_RETENTION_DAYS", "buckets=400,checkins=400,alerts=400,incidents=400,days=3650,audit=1095", text,
        "days for which the database keeps each collection; a collection that is not named keeps its default")
    kek_file: str | None = _optional(
        "ANBU_KEK_FILE", text, "path of the file with the key-encryption keys, {\"k1\": \"base64 of 32 octets\"}")
    kek: str | None = _optional("ANBU_KEK", text, "the same document itself, for a container service without files")
    partitions: int = _value(
        "ANBU_PARTITIONS", "4", positive, "number of partitions of every topic; it cannot be changed later")
    replication: int = _value("ANBU_REPLICATION", "1", positive, "number of replicas of every topic")
    agents: tuple[str, ...] | None = _optional(
        "ANBU_AGENTS", some_of(*AGENTS),
        "agents that this worker runs: watch, record, notify, ask; unset: watch, but for `anbu worker` all (notify "
        "only if routes are set, ask only if these name a channel for questions)")
    guarantee: str = _value(
        "ANBU_GUARANTEE", "fence", one_of("fence", "none"),
        "fence: a worker that was shut out cannot write; none: for the embedded broker, with one worker only")
    data_dir: str = _value("ANBU_DATA_DIR", "~/.local/share/anbu", text, "folder for the files of a process")
    app_id: str = _value("ANBU_APP_ID", "anbu", name, "prefix of groups, changelog and transactional ids")
    tick_s: float = _value("ANBU_TICK_S", "5", tick, "seconds between the gateway's ticks, at most 60")
    clock_tick_s: float = _value(
        "ANBU_CLOCK_TICK_S", "5", tick, "seconds between a worker's clock ticks, at most 60; 0: no clock ticks")
    clock_file: str | None = _optional(
        "ANBU_CLOCK_FILE", clock, "path of a virtual clock that processes share (demo and tests)")
    gateway_name: str = _value("ANBU_GATEWAY_NAME", "gateway", text, "the gateway's name in registry and ticks")
    gateway_alone: bool = _value(
        "ANBU_GATEWAY_ALONE", "false", flag, "true: no other instance has this name, so ticks need no allowance")
    gateway_secret: str | None = _optional(
        "ANBU_GATEWAY_SECRET", text, "secret for the signatures of the generic JSON adapter")
    gateway_host: str = _value("ANBU_GATEWAY_HOST", "127.0.0.1", text, "address on which the gateway listens")
    gateway_port: int = _value("ANBU_GATEWAY_PORT", "8800", port, "port on which the gateway listens")
    web_host: str = _value("ANBU_WEB_HOST", "127.0.0.1", text, "address on which the page listens")
    web_port: int = _value("ANBU_WEB_PORT", "8080", port, "port on which the page listens")
    web_token: str | None = _optional("ANBU_WEB_TOKEN", text, "password of the page; required off loopback")
    routes: str | None = _optional(
        "ANBU_ROUTES", text,
        "people and channels that Anbu notifies of alerts, JSON; usually as ANBU_ROUTES_FILE: docs/notify.md")
    public_url: str | None = _optional("ANBU_PUBLIC_URL", url, "public URL of the page, for the links in messages")
    deadman_url: str | None = _optional(
        "ANBU_DEADMAN_URL", address,
        "URL that the worker requests each minute while it judges; with {lane} in it: for each lane")
    worker_host: str = _value("ANBU_WORKER_HOST", "127.0.0.1", text, "address of a worker's operator views")
    worker_port: int = _value(
        "ANBU_WORKER_PORT", "6066", worker_port, "port of the first agent's operator views; each further agent uses "
        "the next port")
    worker_url: str | None = _optional(
        "ANBU_WORKER_URL", url, "URL at which other workers reach the views of `watch` here; unset: this machine's "
        "name if the worker listens on all addresses")
    worker_token: str | None = _optional(
        "ANBU_WORKER_TOKEN", token, "token of these views and of /metrics; required off loopback")
    session_s: float = _value(
        "ANBU_SESSION_S", "6", session,
        "seconds without a sign of a worker after which the brokers take it for dead; brokers accept no less than 6 "
        "by default")
    accept_loss: bool = _value(
        "ANBU_ACCEPT_LOSS", "false", flag,
        "true: if records were deleted unread, a worker continues without them; false: it refuses to start")
    log_format: str = _value(
        "ANBU_LOG_FORMAT", "auto", one_of("auto", "json", "text"),
        "format of log lines; auto: text on a terminal, otherwise JSON")
    log_level: str = _value(
        "ANBU_LOG_LEVEL", "info", one_of("debug", "info", "warning", "error"),
        "level of Anbu's own log lines; libraries log warnings and errors only")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Parse the environment. Raises SettingsError, which names the variable."""
        settings = cls(**{setting.field: _read(setting, environ) for setting in SETTINGS})
        if settings.kafka_security.startswith("SASL") and not (settings.kafka_user and settings.kafka_password):
            raise SettingsError(f"ANBU_KAFKA_SECURITY is {settings.kafka_security}: set ANBU_KAFKA_SECURITY_USER and "
                                "ANBU_KAFKA_SECURITY_PASSWORD too")
        return settings

    def kek_document(self) -> bytes:
        """Return the content of ANBU_KEK_FILE, else ANBU_KEK.

        Raises SettingsError if neither is set, or if the file cannot be read.
        """
        if self.kek_file is None and self.kek is not None:
            return self.kek.encode()
        if self.kek_file is None:
            raise SettingsError('ANBU_KEK_FILE is not set: name a JSON file {"k1": "base64 of 32 octets"}')
        try:
            return Path(self.kek_file).read_bytes()
        except OSError as error:
            raise SettingsError(f"ANBU_KEK_FILE: {self.kek_file} cannot be read: {error.strerror}") from None

    def routes_document(self) -> str:
        """Return the text of the routes file. Raises SettingsError if there is none."""
        if self.routes is None:
            raise SettingsError("ANBU_ROUTES_FILE is not set: name a file that says which channels Anbu "
                                "notifies of which alerts (docs/notify.md)")
        return self.routes

    @property
    def supervised(self) -> tuple[str, ...]:
        """The agents that `anbu worker` runs, in the order of their ports."""
        if self.agents is not None:
            return self.agents
        wanted = {"notify": self.routes is not None, "ask": self.routes is not None and has_asks(self.routes)}
        return tuple(agent for agent in AGENTS if wanted.get(agent, True))

    def data_path(self) -> Path:
        return Path(self.data_dir).expanduser()


SETTINGS: Final = tuple(Setting(field=one.name, **one.metadata) for one in fields(Settings))


def _read(setting: Setting, environ: Mapping[str, str]) -> Any:
    value, source = environ.get(setting.variable), setting.variable
    # ANBU_KEK_FILE is a separate setting: only processes that need keys read the file.
    path = None if setting.field == "kek" else environ.get(f"{setting.variable}_FILE")
    if not value and path:  # Compose gives an empty value if none is set
        source = f"{setting.variable}_FILE"
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingsError(f"{source}: {path} cannot be read") from None
        if not value:  # such as a secret that was not written: without it the page would be open
            raise SettingsError(f"{source}: {path} is empty")
    if not value:
        if setting.default is None:
            return None
        value = setting.default
    try:
        return setting.parse(value)
    except ValueError as error:
        raise SettingsError(f"{source}: {error}") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
