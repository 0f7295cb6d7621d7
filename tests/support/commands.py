"""Commands as an operator types them. Each test has a broker of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from local.embedded import free_port
from runtime.settings import Settings
from support.broker import GUARANTEE, empty_broker
from support.gateway import NAME, SECRET

Anbu = Callable[..., Result]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings of a broker that is away."""
    keks = tmp_path / "kek.json"
    keks.write_bytes(orjson.dumps({"k1": "A" * 43 + "="}))
    return {"ANBU_KAFKA": f"127.0.0.1:{free_port()}", "ANBU_GUARANTEE": GUARANTEE, "ANBU_KEK_FILE": str(keks),
            "ANBU_DATA_DIR": str(tmp_path / "data"), "ANBU_GATEWAY_SECRET": SECRET, "ANBU_GATEWAY_NAME": NAME,
            "ANBU_GATEWAY_ALONE": "true"}


@pytest.fixture
def broker(tmp_path: Path, environ: dict[str, str]) -> Iterator[str]:
    """The broker is there."""
    with empty_broker(tmp_path) as address:
        environ["ANBU_KAFKA"] = address
        yield address


@pytest.fixture
def settings(broker: str, environ: dict[str, str]) -> Settings:
    return Settings.from_env(environ)


@pytest.fixture
def anbu(environ: dict[str, str]) -> Anbu:
    """Run a command: anbu("alerts", "--json")."""
    def run(*arguments: object, **changes: str | None) -> Result:
        return CliRunner().invoke(main, [str(one) for one in arguments], env={**environ, **changes},
                                  catch_exceptions=False)

    return run
