"""What the engine overrides, or calls by a private name, is as it was read: an upgrade says here what to read again."""

import hashlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.producer.sender import InitPIDHandler, Sender
from faust.app.base import BootStrategy

from streams.engine.transport import OVERRIDDEN

ALL: tuple[Callable[..., Any], ...] = (
    *OVERRIDDEN, Sender._maybe_wait_for_pid, Sender._find_coordinator, InitPIDHandler.do,
    InitPIDHandler.handle_response, Fetcher._fetch_requests_routine, BootStrategy.server)
READ = {
    "AIOKafkaConsumerThread.on_start": "38b4e8bd1e10723a",
    "AIOKafkaConsumerThread._create_worker_consumer": "c2701bfc3e6f6cad",
    "AIOKafkaConsumerThread.seek_wait": "12e8d34e554e9024",
    "Consumer._new_consumer_thread": "0870ec53dea75083",
    "Consumer.getmany": "4b168d84882a70d6",
    "AIOKafkaConsumerThread._fetch_records": "39a2c6c79fc1455a",
    "Consumer._get_active_partitions": "b24897f3c7afdb5d",
    "Consumer._to_message": "7c24f6511b2fcef7",
    "Consumer.on_partitions_revoked": "d04b7ae72c6fc206",
    "Consumer.wait_empty": "e4662fe24f094819",
    "Consumer.perform_seek": "0e8c130ff4b0afd8",
    "Consumer._add_gap": "4df2573ded7c1c2c",
    "Consumer._filter_tps_with_pending_acks": "f6f9239774234e7e",
    "Consumer._filter_committable_offsets": "dc5e9baf5d994485",
    "Consumer.commit": "a354437baaa08bf8",
    "Recovery._resume_streams": "d986a6710c1aca98",
    "TableManager.on_stop": "351be149c0360de5",
    "Sender._maybe_wait_for_pid": "577189636b56f6d9",
    "Sender._find_coordinator": "33001a36bf6a0ae0",
    "BaseHandler.do": "1106439a38fe7943",
    "InitPIDHandler.handle_response": "bdb0727aba5de02e",
    "Fetcher._fetch_requests_routine": "2a8ec5932644c9b0",
    "BootStrategy.server": "97e47ea1dec34b55",
}


def digest(method: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(method).encode()).hexdigest()[:16]


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.__qualname__)
def test_is_as_it_was_read(method: Callable[..., Any]) -> None:
    assert READ.get(method.__qualname__) == digest(method), (
        f"{method.__module__}.{method.__qualname__} has changed: read it, and streams/engine with it, "
        f"then set its hash to {digest(method)}")


def test_nothing_is_listed_in_vain() -> None:
    assert set(READ) == {method.__qualname__ for method in ALL}
