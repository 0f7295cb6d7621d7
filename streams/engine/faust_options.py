"""The options of Faust that the engine needs: each value was measured, or Faust's default loses work."""

from typing import Any

from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from runtime.settings import Settings
from streams.engine.recovery import LaneTables
from streams.kafka import kafka_options


def credentials(settings: Settings) -> CredentialsT | None:
    """The security part of `kafka_options`, in Faust's types: Faust's clients connect with it."""
    options = kafka_options(settings)
    context = options.get("ssl_context")
    if "sasl_mechanism" in options:
        return SASLCredentials(mechanism=options["sasl_mechanism"], username=options["sasl_plain_username"],
                               password=options["sasl_plain_password"], ssl_context=context)
    return None if context is None else SSLCredentials(context)


def faust_settings(settings: Settings) -> dict[str, Any]:
    """Arguments of `faust.App`."""
    return {
        "broker_credentials": credentials(settings),
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        "topic_disable_leader": True,
        "topic_allow_declare": False,  # `boot` declares topics and waits for a broker; Faust would end
        "stream_buffer_maxsize": 4,  # batches, not messages: the read-ahead of the whole worker
        "broker_max_poll_records": 5000,
        "stream_recovery_delay": 0.0,
        "stream_wait_empty": True,  # a rebalance and a shutdown wait for the batch in hand
        "broker_session_timeout": settings.session_s,
        "broker_heartbeat_interval": min(1.0, settings.session_s / 3),
        "broker_rebalance_timeout": max(6.0, settings.session_s),
        "broker_request_timeout": max(20.0, settings.session_s),  # Faust rejects less than the session time-out
        "broker_commit_interval": 1.0,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": 1 << 20,
        # A leader that asks a broker which has just started may get no topics. It then assigns nothing until it asks
        # again, by default after five minutes.
        "consumer_metadata_max_age_ms": 5000,
        "table_standby_replicas": 0,  # with 1, the default, the assignor gives a worker that joins no partitions
        "TableManager": LaneTables,
    }
