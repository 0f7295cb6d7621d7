"""A broker of its own for each test, so the topic begins empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.broker import empty_broker
from support.gateway import RunningGateway, gateway_settings, running_gateway

from runtime.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Of a broker that is there."""
    with empty_broker(tmp_path) as address:
        yield gateway_settings(kafka=address)


@pytest.fixture
def gateway(settings: Settings) -> Iterator[RunningGateway]:
    """A gateway that is alone, whose time stands still."""
    with running_gateway(settings) as one:
        one.wait_until_up()
        yield one
