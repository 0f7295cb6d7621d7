"""A worker publishes the address of its views for other workers, never a wildcard address."""

import socket

import pytest

from runtime.settings import Settings
from worker.operator_views import address


@pytest.mark.parametrize(("given", "told"), [
    ({}, "http://127.0.0.1:6066"),
    ({"ANBU_WORKER_HOST": "10.0.0.7", "ANBU_WORKER_PORT": "6100"}, "http://10.0.0.7:6100"),
    ({"ANBU_WORKER_HOST": "fd00::7"}, "http://[fd00::7]:6066"),
    ({"ANBU_WORKER_HOST": "0.0.0.0"}, f"http://{socket.gethostname()}:6066"),
    ({"ANBU_WORKER_HOST": "::"}, f"http://{socket.gethostname()}:6066"),
    ({"ANBU_WORKER_HOST": "0.0.0.0", "ANBU_WORKER_URL": "https://one.example/anbu/"}, "https://one.example/anbu"),
])
def test_the_address_of_a_worker_for_other_workers(given: dict[str, str], told: str) -> None:
    assert address(Settings.from_env(given)) == told
