"""The methods that the engine overrides, or calls by a private name, are unchanged since they were read."""

import hashlib
import inspect
from collections.abc import Callable
from typing import Any

import faust
import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.producer.sender import InitPIDHandler, Sender
from faust.app.base import App, BootStrategy
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.web.drivers.aiohttp import Web

from streams.engine.transport import OVERRIDDEN

ALL: tuple[Callable[..., Any], ...] = (
    *OVERRIDDEN, Sender._maybe_wait_for_pid, Sender._find_coordinator, Sender._do_init_pid, InitPIDHandler.do,
    InitPIDHandler.create_request, InitPIDHandler.handle_response, Fetcher._fetch_requests_routine, BootStrategy.server,
    App._new_web, Web.start_server, App.start, App.stop, App._on_partitions_revoked, App._on_partitions_assigned,
    Recovery._restart_recovery.fun, Consumer._drain_messages, TableManager.recovery.fget,
    TableManager.changelog_topics.fget, faust.Schema.loads_key, faust.Schema.loads_value)
READ = {
    "AIOKafkaConsumerThread.on_start": "38b4e8bd1e10723a",
    "AIOKafkaConsumerThread._create_worker_consumer": "c2701bfc3e6f6cad",
    "AIOKafkaConsumerThread._commit": "932852ce7a23f658",
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
    "Recovery.on_rebalance": "aa4d997a1795ceae",
    "Sender._do_init_pid": "38139a8cce4f5925",
    "InitPIDHandler.create_request": "b17af2c3bc460025",
    "Service.start": "d2f2f9e03f521aca",
    "Service.stop": "e17cd2b6bd01e861",
    "App._on_partitions_revoked": "d5c895bbe57dc73a",
    "App._on_partitions_assigned": "de932b7927db85b3",
    "Recovery._restart_recovery": "6bd8a8558a2dffe4",
    "Consumer._drain_messages": "44a2500309e83c63",
    "TableManager.recovery": "f0bf5de78b4c3d23",
    "App._new_web": "9558ffdcacfa13bd",
    "Web.start_server": "b0c4f10491828520",
    "GroupCoordinator._push_error_to_user": "743ff515bd7e2e38",
    "TableManager.changelog_topics": "e137531cfedde37a",
    "Schema.loads_key": "9adc30303f20915c",
    "Schema.loads_value": "61a4628b4e0966e6",
}


def digest(method: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(method).encode()).hexdigest()[:16]


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.__qualname__)
def test_an_overridden_method_is_unchanged(method: Callable[..., Any]) -> None:
    assert READ.get(method.__qualname__) == digest(method), (
        f"{method.__module__}.{method.__qualname__} has changed: read it, and streams/engine with it, "
        f"then set its hash to {digest(method)}")


def test_only_overridden_methods_are_listed() -> None:
    assert set(READ) == {method.__qualname__ for method in ALL}
