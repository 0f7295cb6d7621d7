"""Every setting is read once from the environment and checked at start-up; a wrong setting is refused in one line.

Each variable ANBU_X may also be given as ANBU_X_FILE, the path of a file that holds the value (secrets).
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

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

AGENTS: Final = ("watch", "record", "notify")


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


SETTINGS: Final = (
    Setting("ANBU_KAFKA", "kafka", "127.0.0.1:9092", brokers, "brokers, host:port with commas between"),
    Setting("ANBU_KAFKA_SECURITY", "kafka_security", "PLAINTEXT",
            one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), "how to talk to the brokers"),
    Setting("ANBU_KAFKA_SECURITY_USER", "kafka_user", None, text, "user of SASL (SCRAM-SHA-512)"),
    Setting("ANBU_KAFKA_SECURITY_PASSWORD", "kafka_password", None, text, "its password"),
    Setting("ANBU_KAFKA_SECURITY_CA", "kafka_ca", None, certificates, "path of the certificate authority's file"),
    Setting("ANBU_MONGODB", "mongodb", "mongodb://127.0.0.1:27017/anbu", text, "URL of the database, with its name"),
    Setting("ANBU_RETENTION_DAYS", "retention_days", "buckets=400,checkins=400,alerts=400,incidents=400,days=3650,"
            "audit=1095", text, "for how many days the database keeps what; those not named stay as they are"),
    Setting("ANBU_KEK_FILE", "kek_file", None, text, "key-encryption keys, {\"k1\": \"base64 of 32 octets\"}"),
    Setting("ANBU_KEK", "kek", None, text, "the same document itself, where a container service can give no file"),
    Setting("ANBU_PARTITIONS", "partitions", "4", positive, "partitions of every topic; cannot be changed later"),
    Setting("ANBU_REPLICATION", "replication", "1", positive, "replicas of every topic"),
    Setting("ANBU_AGENTS", "agents", None, some_of(*AGENTS),
            "what this worker runs: watch, record, notify; unset: watch, or for `anbu worker` all (notify where "
            "there are routes)"),
    Setting("ANBU_GUARANTEE", "guarantee", "fence", one_of("fence", "none"),
            "fence: a worker that was shut out cannot write; none: for the embedded broker, one worker only"),
    Setting("ANBU_DATA_DIR", "data_dir", "~/.local/share/anbu", text, "where a process keeps files of its own"),
    Setting("ANBU_APP_ID", "app_id", "anbu", name, "prefix of groups, changelog and transactional ids"),
    Setting("ANBU_TICK_S", "tick_s", "5", tick, "seconds between the gateway's ticks, at most 60"),
    Setting("ANBU_CLOCK_TICK_S", "clock_tick_s", "5", tick,
            "seconds between a worker's clock ticks, at most 60; 0: none"),
    Setting("ANBU_CLOCK_FILE", "clock_file", None, clock, "a virtual clock shared by processes (demo and tests)"),
    Setting("ANBU_GATEWAY_NAME", "gateway_name", "gateway", text, "the gateway's name in registry and ticks"),
    Setting("ANBU_GATEWAY_ALONE", "gateway_alone", "false", flag,
            "true: no other instance has this name, so ticks need no allowance"),
    Setting("ANBU_GATEWAY_SECRET", "gateway_secret", None, text, "secret of the generic JSON adapter's signatures"),
    Setting("ANBU_GATEWAY_HOST", "gateway_host", "127.0.0.1", text, "address the gateway listens on"),
    Setting("ANBU_GATEWAY_PORT", "gateway_port", "8800", port, "port the gateway listens on"),
    Setting("ANBU_WEB_HOST", "web_host", "127.0.0.1", text, "address the page listens on"),
    Setting("ANBU_WEB_PORT", "web_port", "8080", port, "port the page listens on"),
    Setting("ANBU_WEB_TOKEN", "web_token", None, text, "password of the page; needed off loopback"),
    Setting("ANBU_ROUTES", "routes", None, text, "who is told of what, JSON; usually as ANBU_ROUTES_FILE: "
            "docs/notify.md"),
    Setting("ANBU_PUBLIC_URL", "public_url", None, url, "where people reach the page: messages have links to it"),
    Setting("ANBU_DEADMAN_URL", "deadman_url", None, address,
            "URL requested each minute while the worker judges; {lane} in it: for each lane"),
    Setting("ANBU_WORKER_HOST", "worker_host", "127.0.0.1", text, "address of a worker's operator views"),
    Setting("ANBU_WORKER_PORT", "worker_port", "6066", worker_port,
            "port of the operator views; the next agent's is one up"),
    Setting("ANBU_WORKER_URL", "worker_url", None, url,
            "where other workers reach the views of `watch` here; unset: this machine's name if it listens everywhere"),
    Setting("ANBU_WORKER_TOKEN", "worker_token", None, token,
            "token of these views and of /metrics; needed off loopback"),
    Setting("ANBU_SESSION_S", "session_s", "6", session, "a worker not heard of for so long, in seconds, is taken for "
            "dead; brokers take no less than 6 unless they are told to"),
    Setting("ANBU_ACCEPT_LOSS", "accept_loss", "false", flag,
            "true: where records were deleted unread, go on without them; else a worker refuses to start"),
    Setting("ANBU_LOG_FORMAT", "log_format", "auto", one_of("auto", "json", "text"),
            "log lines; auto: for people on a terminal, else JSON"),
    Setting("ANBU_LOG_LEVEL", "log_level", "info", one_of("debug", "info", "warning", "error"),
            "of Anbu's own log lines; libraries log warnings and errors only"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, parsed. SETTINGS explains each."""

    kafka: str
    kafka_security: str
    kafka_user: str | None
    kafka_password: str | None
    kafka_ca: str | None
    mongodb: str
    retention_days: str
    kek_file: str | None
    kek: str | None
    partitions: int
    replication: int
    agents: tuple[str, ...] | None
    guarantee: str
    data_dir: str
    app_id: str
    tick_s: float
    clock_tick_s: float
    clock_file: str | None
    gateway_name: str
    gateway_alone: bool
    gateway_secret: str | None
    gateway_host: str
    gateway_port: int
    web_host: str
    web_port: int
    web_token: str | None
    routes: str | None
    public_url: str | None
    deadman_url: str | None
    worker_host: str
    worker_port: int
    worker_url: str | None
    worker_token: str | None
    session_s: float
    accept_loss: bool
    log_format: str
    log_level: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Parse the environment. Raises SettingsError, which names the variable."""
        found = cls(**{setting.field: _read(setting, environ) for setting in SETTINGS})
        if found.kafka_security.startswith("SASL") and not (found.kafka_user and found.kafka_password):
            raise SettingsError(f"ANBU_KAFKA_SECURITY is {found.kafka_security}: set ANBU_KAFKA_SECURITY_USER and "
                                "ANBU_KAFKA_SECURITY_PASSWORD too")
        return found

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
            raise SettingsError("ANBU_ROUTES_FILE is not set: name a file that says who is told of what "
                                "(docs/notify.md)")
        return self.routes

    @property
    def supervised(self) -> tuple[str, ...]:
        """The agents that `anbu worker` runs, in the order of their ports."""
        if self.agents is not None:
            return self.agents
        return tuple(agent for agent in AGENTS if agent != "notify" or self.routes is not None)

    def data_path(self) -> Path:
        return Path(self.data_dir).expanduser()


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
