"""Settings are read once and refused in one line that names the variable and says what to do."""

from pathlib import Path

import pytest

from runtime.keks import parsed_keks
from runtime.settings import SETTINGS, Settings, SettingsError, is_loopback


def test_settings_have_defaults() -> None:
    found = Settings.from_env({})
    assert (found.kafka, found.partitions, found.guarantee, found.agents) == ("127.0.0.1:9092", 4, "fence", None)
    assert (found.gateway_alone, found.tick_s, found.web_token) == (False, 5.0, None)


def test_every_setting_is_declared_once() -> None:
    assert len(SETTINGS) == len(Settings.__dataclass_fields__)
    assert len({one.variable for one in SETTINGS}) == len(SETTINGS)


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hidden\n")
    assert Settings.from_env({"ANBU_GATEWAY_SECRET_FILE": str(path)}).gateway_secret == "hidden"
    assert Settings.from_env({"ANBU_GATEWAY_SECRET_FILE": ""}).gateway_secret is None  # as Compose says "not set"
    both = {"ANBU_GATEWAY_SECRET": "seen", "ANBU_GATEWAY_SECRET_FILE": "/none"}
    assert Settings.from_env(both).gateway_secret == "seen"
    unset = {"ANBU_GATEWAY_SECRET": "", "ANBU_GATEWAY_SECRET_FILE": str(path)}
    assert Settings.from_env(unset).gateway_secret == "hidden"


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("\n")
    with pytest.raises(SettingsError, match=f"^ANBU_WEB_TOKEN_FILE: {path} is empty$"):
        Settings.from_env({"ANBU_WEB_TOKEN_FILE": str(path)})


@pytest.mark.parametrize("token", ["비밀", " open sesame", "open sesame ", "open\tsesame", "open\nsesame"])
def test_a_token_that_no_header_carries_is_refused(token: str) -> None:
    with pytest.raises(SettingsError, match=r"^ANBU_WORKER_TOKEN: must be printable ASCII"):
        Settings.from_env({"ANBU_WORKER_TOKEN": token})


def test_the_url_of_the_dead_man_s_switch_is_kept_as_given() -> None:
    for url in ("https://ping.example.org/check/", "https://ping.example.org/{lane}"):
        assert Settings.from_env({"ANBU_DEADMAN_URL": url}).deadman_url == url
    assert Settings.from_env({"ANBU_PUBLIC_URL": "https://anbu.example.org/"}).public_url == "https://anbu.example.org"


@pytest.mark.parametrize(("variable", "value"), [
    ("ANBU_PARTITIONS", "0"), ("ANBU_PARTITIONS", "four"), ("ANBU_GUARANTEE", "maybe"), ("ANBU_AGENTS", "watch,dance"),
    ("ANBU_AGENTS", ","), ("ANBU_TICK_S", "-1"), ("ANBU_TICK_S", "inf"), ("ANBU_TICK_S", "61"), ("ANBU_TICK_S", "soon"),
    ("ANBU_SESSION_S", "0"), ("ANBU_SESSION_S", "0.5"), ("ANBU_SESSION_S", "1801"), ("ANBU_SESSION_S", "nan"),
    ("ANBU_KAFKA", "nonsense"), ("ANBU_KAFKA", "kafka:abc"), ("ANBU_KAFKA", "kafka:9092,"), ("ANBU_KAFKA", ":9092"),
    ("ANBU_APP_ID", "a b"), ("ANBU_APP_ID", "한글"), ("ANBU_APP_ID", "a" * 201), ("ANBU_APP_ID", "anbu\n"),
    ("ANBU_KAFKA_SECURITY_CA", "/does/not/exist"), ("ANBU_CLOCK_FILE", "/does/not/exist"), ("ANBU_WORKER_PORT", "0"),
    ("ANBU_DEADMAN_URL", "ftp://ping.example.org"), ("ANBU_DEADMAN_URL", "https://ping.example.org:99999/x"),
    ("ANBU_DEADMAN_URL", "https://[ping"), ("ANBU_PUBLIC_URL", "https://anbu.example.org/\nx"),
    ("ANBU_WEB_PORT", "70000"), ("ANBU_WEB_PORT", "9" * 5000), ("ANBU_PARTITIONS", "\u0664"),
    ("ANBU_GATEWAY_ALONE", "yes"), ("ANBU_KAFKA_SECURITY", "none"), ("ANBU_WEB_TOKEN_FILE", "/does/not/exist"),
])
def test_a_wrong_setting_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: (must |/does/not/exist)"):
        Settings.from_env({variable: value})


def test_a_name_may_have_all_characters_that_brokers_accept() -> None:
    name = "a.B_c-9".ljust(200, "x")
    assert Settings.from_env({"ANBU_APP_ID": name}).app_id == name


def test_a_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    for octets in (b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        (tmp_path / "ca").write_bytes(octets)
        with pytest.raises(SettingsError, match=r"^ANBU_KAFKA_SECURITY_CA: .*/ca has no readable") as refused:
            Settings.from_env({"ANBU_KAFKA_SECURITY_CA": str(tmp_path / "ca")})
        assert "\n" not in str(refused.value)


def test_several_brokers_may_be_given() -> None:
    assert Settings.from_env({"ANBU_KAFKA": "a:1,b:2"}).kafka == "a:1,b:2"


def test_a_login_needs_a_name_and_a_password() -> None:
    asked = {"ANBU_KAFKA_SECURITY": "SASL_SSL", "ANBU_KAFKA_SECURITY_USER": "anbu"}
    with pytest.raises(SettingsError, match="ANBU_KAFKA_SECURITY_PASSWORD"):
        Settings.from_env(asked)
    assert Settings.from_env({**asked, "ANBU_KAFKA_SECURITY_PASSWORD": "hush"}).kafka_user == "anbu"


@pytest.mark.parametrize(("name", "value"), [("ANBU_KEK", "abc"), ("ANBU_KEK_FILE", __file__)])
def test_wrong_keys_are_named_by_their_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: .* is not valid JSON$"):
        parsed_keks(Settings.from_env({name: value}))


def test_key_encryption_keys_are_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ANBU_KEK_FILE is not set"):
        Settings.from_env({}).kek_document()
    with pytest.raises(SettingsError, match=r"ANBU_KEK_FILE: .* cannot be read"):
        Settings.from_env({"ANBU_KEK_FILE": str(tmp_path / "none")}).kek_document()
    (tmp_path / "kek").write_bytes(b"{}")
    assert Settings.from_env({"ANBU_KEK_FILE": str(tmp_path / "kek")}).kek_document() == b"{}"
    assert Settings.from_env({"ANBU_KEK": '{"k1": ""}'}).kek_document() == b'{"k1": ""}'
    # A file that cannot be read stops only those processes that need keys.
    assert Settings.from_env({"ANBU_KEK_FILE": str(tmp_path / "none")}).kek is None


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1", True), ("127.1.2.3", True), ("localhost", True),
                                                ("::1", True), ("0.0.0.0", False), ("10.0.0.1", False)])
def test_loopback_addresses_are_recognised(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(("environ", "agents"), [
    ({}, ("watch", "record")),
    ({"ANBU_ROUTES": "{}"}, ("watch", "record", "notify")),
    ({"ANBU_ROUTES": '{"asks": {}}'}, ("watch", "record", "notify")),
    ({"ANBU_ROUTES": '{"asks": {"*": "sms"}}'}, ("watch", "record", "notify", "ask")),
    ({"ANBU_ROUTES": "{broken"}, ("watch", "record", "notify")),  # `notify` says what is wrong
    ({"ANBU_AGENTS": "ask"}, ("ask",)),
], ids=str)
def test_a_worker_runs_the_agents_that_have_work(environ: dict[str, str], agents: tuple[str, ...]) -> None:
    assert Settings.from_env(environ).supervised == agents
