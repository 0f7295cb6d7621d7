"""The example of docs/ that posts an SMS, as it stands there, with nothing of ours in reach."""

import asyncio
import subprocess
import sys
from pathlib import Path

from support.gateway import SECRET, read_sms, running_gateway

from runtime.clock import SystemClock
from runtime.settings import Settings

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "post_sms.py"


def post(address: str, secret: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-S", EXAMPLE, address, "+821012345678", "안녕"], text=True,
                          timeout=60, env={"ANBU_GATEWAY_SECRET": secret}, capture_output=True, check=False)


def test_the_example_posts_an_sms(settings: Settings) -> None:
    """It is started before the gateway has its broker, or after: it is accepted all the same."""
    with running_gateway(settings, SystemClock()) as gateway:
        assert post(gateway.url.removeprefix("http://"), SECRET).returncode == 0
        refused = post(gateway.url.removeprefix("http://"), "another secret")
        assert (refused.returncode, "check the secret" in refused.stderr) == (1, True)
    found = [(one["sender"], one["text"]) for records in asyncio.run(read_sms(settings)).values() for one in records
             if one["type"] == "sms"]
    assert found == [("+821012345678", "안녕")]
